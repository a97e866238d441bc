// Command betterdata-operator keeps Better Data API keys in Kubernetes: an ApiKey resource becomes a Secret with a live key.
package main

import (
	"os"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/betterdataco/terraform-provider-betterdata/operator/internal/setup"
)

// version is set by the release build with -ldflags "-X main.version=...".
var version = "dev"

func main() {
	program := setup.Program{Version: version, Out: os.Stdout, Err: os.Stderr}
	os.Exit(program.Run(ctrl.SetupSignalHandler(), os.Args[1:]))
}
