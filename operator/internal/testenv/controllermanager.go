package testenv

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// startControllerManager starts the controllers that an operator's life depends on: without them a namespace is never
// gone, an owner's objects are never collected, and a new namespace has no default service account.
func (e *Environment) startControllerManager(ctx context.Context) error {
	user, err := e.User("system:kube-controller-manager")
	if err != nil {
		return err
	}
	if err := e.WriteKubeconfig(e.file(managerKubeconfigFile), user); err != nil {
		return err
	}
	e.controllerManager = e.program(controllerManagerBinary, []string{
		"--kubeconfig=" + e.file(managerKubeconfigFile),
		"--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,serviceaccount-token-controller",
		"--use-service-account-credentials", // each controller under its own name and roles, as clusters have it
		"--service-account-private-key-file=" + e.file(serverKeyFile),
		"--root-ca-file=" + e.file(caFile),
		"--leader-elect=false",
		"--secure-port=0",
	})
	return e.awaitControllerManager(ctx)
}

// awaitControllerManager starts the process and waits for the first thing it does.
func (e *Environment) awaitControllerManager(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(e.Admin)
	if err != nil {
		return err
	}
	if err := e.controllerManager.start(); err != nil {
		return err
	}
	return e.controllerManager.await(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}
