package suite

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/testenv"
)

// root is the repository.
const root = "../../.."

// sideBySide is how many tests run at once. They wait far more than they compute.
const sideBySide = 8

// TestMain ends the control plane that the tests in namespaced mode share, and removes the binary under test.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	ctrllog.SetLogger(logr.Discard()) // of the tests' own clients, which say nothing that an error would not
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(sideBySide)); err != nil {
			panic(err)
		}
	}
	folder, err := os.MkdirTemp("", "betterdata-suite-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary = sync.OnceValues(func() (string, error) { return build(folder) })
	return testenv.Main(m, testenv.Options{Manifests: []string{root + "/config/crd"}})
}

// binary builds the operator, once, and returns its path.
var binary func() (string, error)

// build compiles the operator with the points at which it can be told to end, which no release has.
func build(folder string) (string, error) {
	path := filepath.Join(folder, "betterdata-operator")
	args := append([]string{"build", "-tags=faultpoints", "-o", path}, buildFlags...)
	command := exec.Command("go", append(args, "./operator")...) //nolint:noctx // shared by tests, so that it ends with none of them
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./operator: %w\n%s", err, output)
	}
	return path, nil
}
