package provider

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// userAgent follows the form of HashiCorp's own providers; TF_APPEND_USER_AGENT is honoured as they do.
func userAgent(version, terraformVersion string) string {
	agent := fmt.Sprintf("terraform-provider-betterdata/%s (%s/%s) Terraform/%s",
		version, runtime.GOOS, runtime.GOARCH, terraformVersion)
	if more := strings.TrimSpace(os.Getenv("TF_APPEND_USER_AGENT")); more != "" {
		agent += " " + more
	}
	return agent
}
