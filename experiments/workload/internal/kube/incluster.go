package kube

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// InCluster returns a client with the pod's service account, and the pod's namespace.
func InCluster() (*Client, string, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, "", errors.New("not in a cluster: KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set")
	}
	namespace, err := os.ReadFile(filepath.Join(accountDir, "namespace"))
	if err != nil {
		return nil, "", fmt.Errorf("read namespace: %w", err)
	}
	authority, err := os.ReadFile(filepath.Join(accountDir, "ca.crt"))
	if err != nil {
		return nil, "", fmt.Errorf("read certificate authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, "", errors.New("certificate authority holds no certificate")
	}
	// What is sent before the node has its rules for services is lost, and so is all that
	// is sent again on the same connection. A new one gets through.
	dialer := &net.Dialer{Timeout: time.Second}
	transport := &http.Transport{
		DialContext:       dialer.DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	client := New("https://"+net.JoinHostPort(host, port), &http.Client{Transport: transport}, accountToken)
	return client, string(namespace), nil
}

// accountToken reads the token each time, because the kubelet renews it.
func accountToken() (string, error) {
	token, err := os.ReadFile(filepath.Join(accountDir, "token"))
	return strings.TrimSpace(string(token)), err
}
