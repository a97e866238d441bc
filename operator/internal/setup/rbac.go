package setup

// The operator's permissions. make manifests turns the markers below into the roles under config/rbac, and the suite on a
// real API server runs the manager with exactly these.
//
// Two sets for two modes. In cluster mode one ClusterRole covers all namespaces. In namespaced mode the operator has a Role
// in each namespace that --watch-namespaces names, in which no ClusterConnection can be used. A Role or ClusterRole
// cannot be narrowed by label, field selector or type: who may list Secrets may read all of them in its reach.
//
// Every write but that of the Lease is a patch or an apply, so nothing else may be updated. The test of the roles has a
// table of all rights: one that is added here is added there, with what needs it.

// RoleName is the name of the operator's ClusterRole in cluster mode, and of its Role and RoleBinding in each watched
// namespace in namespaced mode.
const RoleName = "betterdata-operator"

// LeaderElectionID is the name of the Lease by which replicas agree who works.
const LeaderElectionID = "betterdata-operator"

// Cluster mode.
//
// The finalizers subresource of ApiKeys is for ledger and target Secrets: with the admission plugin
// OwnerReferencesPermissionEnforcement, only who may set an owner's finalizers may block its deletion.
//
// Secrets: ledgers and targets, and the tokens of connections. Workloads are read live and patched, never cached.
// Namespaces are read live before each mint; the UID of kube-system identifies the cluster.
//
// +kubebuilder:rbac:groups=betterdata.co,resources=apikeys;connections;clusterconnections,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=betterdata.co,resources=apikeys/status;connections/status;clusterconnections/status,verbs=patch
// +kubebuilder:rbac:groups=betterdata.co,resources=apikeys/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Namespaced mode: the same without ClusterConnections, in each watched namespace. A Role may grant reading its own
// namespace. The operator removes its in-use finalizer from its own Role and RoleBinding: while a namespace is being
// deleted, they must outlive the ApiKeys, or nobody could revoke the keys.
//
// +kubebuilder:rbac:namespace=watched,groups=betterdata.co,resources=apikeys;connections,verbs=get;list;watch;patch
// +kubebuilder:rbac:namespace=watched,groups=betterdata.co,resources=apikeys/status;connections/status,verbs=patch
// +kubebuilder:rbac:namespace=watched,groups=betterdata.co,resources=apikeys/finalizers,verbs=update
// +kubebuilder:rbac:namespace=watched,groups="",resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:namespace=watched,groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:namespace=watched,groups=apps,resources=deployments;statefulsets;daemonsets,verbs=get;patch
// +kubebuilder:rbac:namespace=watched,groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:namespace=watched,groups=rbac.authorization.k8s.io,resources=roles;rolebindings,resourceNames=betterdata-operator,verbs=get;patch

// Leader election, in the operator's own namespace in both modes. Creating cannot be limited to a name. client-go replaces
// the Lease as a whole, and writes one event when it begins to lead and one when it ends.
//
// +kubebuilder:rbac:namespace=betterdata-system,roleName=betterdata-operator-leader-election,groups=coordination.k8s.io,resources=leases,resourceNames=betterdata-operator,verbs=get;update
// +kubebuilder:rbac:namespace=betterdata-system,roleName=betterdata-operator-leader-election,groups=coordination.k8s.io,resources=leases,verbs=create
// +kubebuilder:rbac:namespace=betterdata-system,roleName=betterdata-operator-leader-election,groups="",resources=events,verbs=create

// Metrics served with authentication and authorization: the API server is asked who the reader is and what it may do.
// Both questions concern the whole cluster, so this cannot be a Role; namespaced mode without it serves no metrics.
//
// +kubebuilder:rbac:roleName=betterdata-operator-metrics-auth,groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:roleName=betterdata-operator-metrics-auth,groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
