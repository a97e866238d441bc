package provider

import (
	"regexp"
	"strings"
	"testing"
)

func TestUserAgent(t *testing.T) {
	shape := regexp.MustCompile(`^terraform-provider-betterdata/1\.2\.3 \([a-z0-9]+/[a-z0-9]+\) Terraform/1\.11\.4$`)
	t.Setenv("TF_APPEND_USER_AGENT", "")
	if got := userAgent("1.2.3", "1.11.4"); !shape.MatchString(got) {
		t.Errorf("user agent %q, want it to match %s", got, shape)
	}
	t.Setenv("TF_APPEND_USER_AGENT", "  pipeline/7 ")
	if got := userAgent("1.2.3", "1.11.4"); !strings.HasSuffix(got, " Terraform/1.11.4 pipeline/7") {
		t.Errorf("user agent %q lacks what TF_APPEND_USER_AGENT asks for", got)
	}
}
