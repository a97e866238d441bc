package v1alpha1

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What the schema sets where a manifest is silent.
const (
	// DefaultBaseURL is baseURL: the vendor's address.
	DefaultBaseURL = "https://app.betterdata.co/api"
	// DefaultTokenKey is tokenSecretRef.key.
	DefaultTokenKey = "token"
	// DefaultPollInterval is pollInterval.
	DefaultPollInterval = 5 * time.Minute
	// DefaultMintsPerHour is mintsPerHour.
	DefaultMintsPerHour = 60
)

// ConnectionObject is a Connection or a ClusterConnection.
//
// +kubebuilder:object:generate=false
// +kubebuilder:ac:generate=false
type ConnectionObject interface {
	metav1.Object
	runtime.Object

	// ConnectionKind is KindConnection or KindClusterConnection.
	ConnectionKind() string
	// Settings is the part of the spec that both kinds have. It is not a copy.
	Settings() *ConnectionSettings
	// TokenSecret tells where the token is.
	TokenSecret() (namespace, name, key string)
	// ConnectionStatus is the status, which both kinds have. It is not a copy.
	ConnectionStatus() *ConnectionStatus
}

var (
	_ ConnectionObject = &Connection{}
	_ ConnectionObject = &ClusterConnection{}
)

// ConnectionKind implements ConnectionObject.
func (c *Connection) ConnectionKind() string { return KindConnection }

// Settings implements ConnectionObject.
func (c *Connection) Settings() *ConnectionSettings { return &c.Spec.ConnectionSettings }

// TokenSecret implements ConnectionObject: the Secret is in the Connection's own namespace.
func (c *Connection) TokenSecret() (namespace, name, key string) {
	return c.Namespace, c.Spec.TokenSecretRef.Name, c.Spec.TokenSecretRef.entryName()
}

// ConnectionStatus implements ConnectionObject.
func (c *Connection) ConnectionStatus() *ConnectionStatus { return &c.Status }

// ConnectionKind implements ConnectionObject.
func (c *ClusterConnection) ConnectionKind() string { return KindClusterConnection }

// Settings implements ConnectionObject.
func (c *ClusterConnection) Settings() *ConnectionSettings { return &c.Spec.ConnectionSettings }

// TokenSecret implements ConnectionObject.
func (c *ClusterConnection) TokenSecret() (namespace, name, key string) {
	ref := &c.Spec.TokenSecretRef
	return ref.Namespace, ref.Name, ref.entryName()
}

// ConnectionStatus implements ConnectionObject.
func (c *ClusterConnection) ConnectionStatus() *ConnectionStatus { return &c.Status }

// AllowsNamespace reports whether ApiKeys of a namespace may use the connection.
func (c *ClusterConnection) AllowsNamespace(namespace string) bool {
	for _, allowed := range c.Spec.AllowedNamespaces {
		beginning, isPattern := strings.CutSuffix(allowed, "*")
		if allowed == namespace || isPattern && strings.HasPrefix(namespace, beginning) {
			return true
		}
	}
	return false
}

func (r *TokenSecretReference) entryName() string {
	if r.Key != "" {
		return r.Key
	}
	return DefaultTokenKey
}

// Address is the base URL of the API.
func (s *ConnectionSettings) Address() string {
	if s.BaseURL != "" {
		return s.BaseURL
	}
	return DefaultBaseURL
}

// Poll is how often the tenant's keys are listed.
func (s *ConnectionSettings) Poll() time.Duration { return s.PollInterval.Or(DefaultPollInterval) }

// Verifies reports whether new keys are tried before they are published.
func (s *ConnectionSettings) Verifies() bool { return s.Verify == nil || *s.Verify }

// MintCap is the number of keys that may be made in an hour, beyond the first of each ApiKey.
func (s *ConnectionSettings) MintCap() int {
	if s.MintsPerHour > 0 {
		return int(s.MintsPerHour)
	}
	return DefaultMintsPerHour
}
