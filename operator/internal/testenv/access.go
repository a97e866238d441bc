package testenv

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenLifetime of a service account's token, in seconds: longer than any test.
const tokenLifetime = 24 * 60 * 60

// User returns a configuration that authenticates as the user, a member of the groups. What it may do is what RBAC says:
// nothing that not everybody may, until [Environment.Grant] or a manifest gives it a role.
func (e *Environment) User(name string, groups ...string) (*rest.Config, error) {
	pair, err := e.authority.issue(name, groups...)
	if err != nil {
		return nil, err
	}
	config := e.anonymous()
	config.CertData, config.KeyData = pair.certificate, pair.key
	return config, nil
}

// ServiceAccount returns a configuration that authenticates with a token of the service account, which has to exist: as
// a program in a pod of that account would, with the roles that manifests bind to it and no others.
func (e *Environment) ServiceAccount(ctx context.Context, namespace, name string) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(e.Admin)
	if err != nil {
		return nil, err
	}
	lifetime := int64(tokenLifetime)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &lifetime}}
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of service account %s/%s: %w", namespace, name, err)
	}
	config := e.anonymous()
	config.BearerToken = answer.Status.Token
	return config, nil
}

// anonymous trusts the API server and says nothing of who asks. The API server has its own fairness between clients, so
// that they need not throttle themselves.
func (e *Environment) anonymous() *rest.Config {
	return &rest.Config{
		Host:            e.apiServerURL(),
		TLSClientConfig: rest.TLSClientConfig{CAData: e.authority.pem()},
		QPS:             -1,
	}
}

// WriteKubeconfig writes a configuration as a kubeconfig file, readable by its owner only, for programs that take one.
func (e *Environment) WriteKubeconfig(path string, config *rest.Config) error {
	const name = "testenv"
	file := clientcmdapi.NewConfig()
	file.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[name] = &clientcmdapi.AuthInfo{
		Token:                 config.BearerToken,
		ClientCertificateData: config.CertData,
		ClientKeyData:         config.KeyData,
	}
	file.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	file.CurrentContext = name
	return clientcmd.WriteToFile(*file, path)
}
