package testenv

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
)

// Files that programs are pointed at.
const (
	caFile                = "ca.crt"
	serverCertificateFile = "server.crt"
	serverKeyFile         = "server.key"
	auditPolicyFile       = "audit-policy.yaml"
	auditLogFile          = "audit.log"
	managerKubeconfigFile = "kube-controller-manager.kubeconfig"
	etcdDataFolder        = "etcd"
)

// auditPolicy records who asked for what, without bodies: they hold secrets. The API server's own requests to itself are
// left out; nobody counts those.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  users: ["system:apiserver"]
- level: Metadata
`

// writeCertificates makes the certificate authority, what the programs identify themselves with, and the audit policy.
func (e *Environment) writeCertificates() error {
	var err error
	if e.authority, err = newAuthority(); err != nil {
		return err
	}
	if err := os.WriteFile(e.file(caFile), e.authority.pem(), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(e.file(auditPolicyFile), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	// One pair is enough for etcd, the API server and the signer of service account tokens.
	server, err := e.authority.issue("control-plane")
	if err != nil {
		return err
	}
	return server.write(e.file(serverCertificateFile), e.file(serverKeyFile))
}

// startAPIServer starts kube-apiserver on a free port and fills in Admin.
func (e *Environment) startAPIServer(ctx context.Context) error {
	return onFreePort(ctx, func(port int) (*process, error) {
		e.apiServerPort = port
		e.apiServer = e.program(apiServerBinary, e.apiServerFlags())
		admin, err := e.User("admin", "system:masters")
		if err != nil {
			return nil, err
		}
		e.Admin = admin
		return e.apiServer, e.awaitAPIServer(ctx)
	})
}

func (e *Environment) apiServerURL() string {
	return fmt.Sprintf("https://127.0.0.1:%d", e.apiServerPort)
}

// apiServerFlags switch on what a cluster has; admission is Kubernetes' default (which includes PodSecurity and
// ServiceAccount) and one plugin more.
func (e *Environment) apiServerFlags() []string {
	return []string{
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", e.apiServerPort),
		"--endpoint-reconciler-type=none", // would publish the address, and a loopback address is refused
		"--service-cluster-ip-range=10.0.0.0/24",
		"--tls-cert-file=" + e.file(serverCertificateFile),
		"--tls-private-key-file=" + e.file(serverKeyFile),
		"--client-ca-file=" + e.file(caFile),

		"--etcd-servers=" + e.etcdURL(),
		"--etcd-cafile=" + e.file(caFile),
		"--etcd-certfile=" + e.file(serverCertificateFile),
		"--etcd-keyfile=" + e.file(serverKeyFile),

		"--authorization-mode=RBAC",
		// Stricter than the default, as on OpenShift: blockOwnerDeletion needs the right to update the owner's finalizers.
		"--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + e.file(serverKeyFile),
		"--service-account-signing-key-file=" + e.file(serverKeyFile),

		"--audit-policy-file=" + e.file(auditPolicyFile),
		"--audit-log-path=" + e.file(auditLogFile),
		"--audit-log-maxsize=100000", // megabytes: a rotated log would lose what a test is counting
	}
}

// awaitAPIServer starts the process and waits until it is ready, which includes the default roles.
func (e *Environment) awaitAPIServer(ctx context.Context) error {
	client, err := rest.HTTPClientFor(e.Admin)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if err := e.apiServer.start(); err != nil {
		return err
	}
	return e.apiServer.await(ctx, func(ctx context.Context) error {
		return getOK(ctx, client, e.apiServerURL()+"/readyz")
	})
}
