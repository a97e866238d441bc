// Package testenv runs a real Kubernetes control plane for tests and for the demo: etcd, kube-apiserver with RBAC, and a
// kube-controller-manager reduced to the controllers that finish deletions and create service accounts.
//
// Everything listens on 127.0.0.1 at ports that the system chose, keeps its data in a temporary folder, and ends with
// the [Environment], or, on Linux, with the process that started it. There is no kubelet, no scheduler and no workload
// controller: a Deployment stays what it was written as, and a Pod never runs.
//
// Tests that need it are named TestOperator..., which keeps them out of make test-unit; make test-operator builds the
// programs and runs them. A package whose tests share one control plane hands its TestMain to [Main] and calls [Shared].
//
// Reading order: environment.go, then apiserver.go for what is switched on, access.go for who may do what, audit.go for
// counting requests, outage.go for taking the API server away.
package testenv
