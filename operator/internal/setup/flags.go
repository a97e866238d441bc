package setup

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/controller/connection"
)

// Settings is what the command line says.
type Settings struct {
	MetricsAddress string
	MetricsSecure  bool
	HealthAddress  string

	LeaderElect             bool
	LeaderElectionNamespace string

	Workers         int
	WatchNamespaces []string // empty: cluster mode
	ClusterID       string   // empty: the UID of kube-system
	StrayGrace      time.Duration
	OrphanPolicy    connection.OrphanPolicy

	Log         zap.Options
	ShowVersion bool
	Force       bool // cleanup alone
}

const (
	maxWorkers   = 100
	maxClusterID = 253
	// placeholderClusterID stands in config/namespaced. Two clusters that both kept it would take each other's keys for
	// their own.
	placeholderClusterID = "change-me"
	// mostVerbose is the highest --zap-log-level. From 8 on, client-go logs the bodies of requests, and those of Secrets
	// are plaintexts; 7 is left out to keep a distance.
	mostVerbose = 6
)

// Namespaced reports whether the operator works in some namespaces only, with Roles alone.
func (s *Settings) Namespaced() bool { return len(s.WatchNamespaces) > 0 }

// errUsage says that the command line is wrong; what is wrong stands before it.
var errUsage = errors.New("betterdata-operator --help lists all flags")

// managerFlags is the flag set of the manager, and cleanupFlags that of the subcommand cleanup.
func managerFlags(s *Settings) *flag.FlagSet {
	fs := newFlagSet("betterdata-operator")
	config.RegisterFlags(fs)
	fs.StringVar(&s.MetricsAddress, "metrics-bind-address", "0", "`address` that metrics are served at, such as :8443; 0 serves none")
	fs.BoolVar(&s.MetricsSecure, "metrics-secure", true, "serve metrics over TLS, and only to those whom the API server lets get /metrics")
	fs.StringVar(&s.HealthAddress, "health-probe-bind-address", ":8081", "`address` that /healthz and /readyz are served at; 0 serves none")
	fs.BoolVar(&s.LeaderElect, "leader-elect", false, "of several replicas only one works, the others wait with filled caches; without it there must be one replica only")
	fs.StringVar(&s.LeaderElectionNamespace, "leader-election-namespace", "", "`namespace` of the Lease; default: the operator's own")
	fs.IntVar(&s.Workers, "max-concurrent-reconciles", 8, "`number` of ApiKeys that are worked on at the same time")
	watchFlags(fs, s)
	fs.StringVar(&s.ClusterID, "cluster-id", "", "`text` that tells this cluster's keys from those of other clusters; default: the UID of the namespace kube-system. Choose it once: keys made under another value count as somebody else's")
	fs.DurationVar(&s.StrayGrace, "stray-grace", 2*time.Minute, "`time` from the first sighting of a key whose plaintext was lost to its revocation. Below 1m only for tests: creating a key and storing it may take that long")
	fs.StringVar((*string)(&s.OrphanPolicy), "orphan-policy", string(connection.OrphansReported), "what happens to live keys of this cluster whose ApiKey does not exist: `report` or revoke; revoke needs cluster mode")
	fs.BoolVar(&s.ShowVersion, "version", false, "print the version and exit")
	s.Log.BindFlags(fs)
	return fs
}

func cleanupFlags(s *Settings) *flag.FlagSet {
	fs := newFlagSet("betterdata-operator cleanup")
	config.RegisterFlags(fs)
	watchFlags(fs, s)
	fs.StringVar(&s.LeaderElectionNamespace, "leader-election-namespace", defaultNamespace, "`namespace` of the Lease that a running operator holds")
	fs.BoolVar(&s.Force, "force", false, "go on although an operator is running")
	return fs
}

func watchFlags(fs *flag.FlagSet, s *Settings) {
	fs.Func("watch-namespaces", "`namespaces`, separated by commas, to work in with Roles alone (namespaced mode, needs --cluster-id); default: all", func(value string) error {
		s.WatchNamespaces = strings.Split(value, ",")
		return nil
	})
}

func newFlagSet(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // Run prints usage and errors, each to its place
	return fs
}

// parse reads the command line. The error is flag.ErrHelp, or wraps errUsage.
func parse(fs *flag.FlagSet, s *Settings, args []string) error {
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unknown argument %q; %w", fs.Arg(0), errUsage)
	}
	if err := errors.Join(s.validateLog(fs), s.validateNamespaces()); err != nil {
		return fmt.Errorf("%w\n%w", err, errUsage)
	}
	return nil
}

// validate checks what flags must be to each other. It tells everything that is wrong at once.
func (s *Settings) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Workers < 1 || s.Workers > maxWorkers {
		wrong("--max-concurrent-reconciles=%d: must be from 1 to %d", s.Workers, maxWorkers)
	}
	if s.StrayGrace < time.Second {
		wrong("--stray-grace=%s: must be at least 1s", s.StrayGrace)
	}
	if s.OrphanPolicy != connection.OrphansReported && s.OrphanPolicy != connection.OrphansRevoked {
		wrong("--orphan-policy=%s: must be %s or %s", s.OrphanPolicy, connection.OrphansReported, connection.OrphansRevoked)
	}
	if s.OrphanPolicy == connection.OrphansRevoked && s.Namespaced() {
		wrong("--orphan-policy=%s needs cluster mode: with --watch-namespaces a key may belong to an ApiKey in a namespace that this operator does not see", connection.OrphansRevoked)
	}
	switch {
	case s.Namespaced() && s.ClusterID == "":
		wrong("--watch-namespaces needs --cluster-id: a Role cannot grant reading the UID of kube-system")
	case s.ClusterID == placeholderClusterID:
		wrong("--cluster-id=%s: choose a value of your own, which no other cluster has", s.ClusterID)
	case len(s.ClusterID) > maxClusterID || strings.TrimSpace(s.ClusterID) != s.ClusterID:
		wrong("--cluster-id: must be at most %d characters, without blanks around", maxClusterID)
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w\n%w", errors.Join(errs...), errUsage)
	}
	return nil
}

func (s *Settings) validateNamespaces() error {
	for i, namespace := range s.WatchNamespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return fmt.Errorf("--watch-namespaces: %q is no namespace: %s", namespace, strings.Join(problems, "; "))
		}
		if slices.Contains(s.WatchNamespaces[:i], namespace) {
			return fmt.Errorf("--watch-namespaces: %q stands there twice", namespace)
		}
	}
	return nil
}

// validateLog bounds how much is logged. --zap-devel stands for a format and a level here: its own encoder would write
// whole objects, and those of Secrets are plaintexts.
func (s *Settings) validateLog(fs *flag.FlagSet) error {
	if s.Log.Development {
		s.Log.Development = false
		for name, value := range map[string]string{"zap-encoder": "console", "zap-log-level": "debug"} {
			if f := fs.Lookup(name); f.Value.String() == "" {
				if err := fs.Set(name, value); err != nil {
					return err
				}
			}
		}
	}
	if zap.New(zap.UseFlagOptions(&s.Log)).V(mostVerbose + 1).Enabled() {
		return fmt.Errorf("--zap-log-level: must be at most %d: beyond it the bodies of requests would be logged, and with them keys", mostVerbose)
	}
	return nil
}
