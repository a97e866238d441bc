package setup

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

var canary = &corev1.Secret{
	TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
	ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "reader"},
	StringData: map[string]string{"api-key": "plaintext-canary"},
}

func logSecret(s *Settings, out io.Writer) {
	zap.New(zap.UseFlagOptions(&s.Log), zap.WriteTo(out)).Info("secret", "secret", canary)
}

// lockedWriter collects what several goroutines log.
type lockedWriter struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// client-go logs bodies at level 8 with the logger of the context, which is ours. At the most verbose level that the
// flags allow it does not; at 8 it does, or this test would prove nothing.
func TestNoLogLevelShowsBodies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(canary)
	}))
	defer server.Close()
	create := func(logger logr.Logger) {
		c, err := client.New(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, client.Options{Scheme: newScheme(), Mapper: secretsMapper()})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Create(klog.NewContext(t.Context(), logger), canary.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	}
	s, err := parsed(t, "--zap-log-level=6")
	if err != nil {
		t.Fatal(err)
	}
	var allowed, beyond lockedWriter
	create(zap.New(zap.UseFlagOptions(&s.Log), zap.WriteTo(&allowed)))
	if text := allowed.text.String(); strings.Contains(text, "plaintext-canary") {
		t.Errorf("at the most verbose level that is allowed: %s", text)
	}

	var o Settings
	fs := managerFlags(&o)
	if err := fs.Parse([]string{"--zap-log-level=8"}); err != nil {
		t.Fatal(err)
	}
	create(zap.New(zap.UseFlagOptions(&o.Log), zap.WriteTo(&beyond)))
	if !strings.Contains(beyond.text.String(), "plaintext-canary") {
		t.Error("client-go logs no bodies any more: the cap can go")
	}
}

func TestProductionLogsAreJSON(t *testing.T) {
	s, err := parsed(t)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	logSecret(s, &out)
	var line map[string]any
	if err := json.Unmarshal([]byte(out.String()), &line); err != nil {
		t.Errorf("%v: %s", err, out.String())
	}
	if strings.Contains(out.String(), "plaintext-canary") {
		t.Error("a Secret that is logged shows its data")
	}
}

// secretsMapper knows where Secrets are without asking the server.
func secretsMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	return mapper
}
