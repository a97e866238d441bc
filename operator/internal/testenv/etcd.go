package testenv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
)

// startEtcd starts etcd on a free port, with mutual TLS, so that neither another environment nor anybody else on the
// machine can take it for theirs.
func (e *Environment) startEtcd(ctx context.Context) error {
	return onFreePort(ctx, func(port int) (*process, error) {
		e.etcdPort = port
		e.etcd = e.program(etcdBinary, e.etcdFlags())
		return e.etcd, e.awaitEtcd(ctx)
	})
}

func (e *Environment) etcdURL() string {
	return fmt.Sprintf("https://127.0.0.1:%d", e.etcdPort)
}

func (e *Environment) etcdFlags() []string {
	return []string{
		"--data-dir=" + e.file(etcdDataFolder),
		"--listen-client-urls=" + e.etcdURL(),
		"--advertise-client-urls=" + e.etcdURL(),
		"--listen-peer-urls=http://127.0.0.1:0", // a cluster of one
		"--client-cert-auth",
		"--trusted-ca-file=" + e.file(caFile),
		"--cert-file=" + e.file(serverCertificateFile),
		"--key-file=" + e.file(serverKeyFile),
		"--unsafe-no-fsync", // the data is thrown away; a crash of the machine ends the test as well
	}
}

// awaitEtcd starts the process and waits until it answers.
func (e *Environment) awaitEtcd(ctx context.Context) error {
	client, err := e.programClient()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if err := e.etcd.start(); err != nil {
		return err
	}
	return e.etcd.await(ctx, func(ctx context.Context) error {
		return getOK(ctx, client, e.etcdURL()+"/readyz")
	})
}

// programClient speaks HTTP as one program of the control plane to another.
func (e *Environment) programClient() (*http.Client, error) {
	certificate, err := tls.LoadX509KeyPair(e.file(serverCertificateFile), e.file(serverKeyFile))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(e.authority.certificate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{certificate},
	}}}, nil
}

// getOK is nil if a GET is answered with 200; else the error holds the answer.
func getOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return nil
}
