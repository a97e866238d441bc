package acceptance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// syncStrings collects strings from several goroutines.
type syncStrings struct {
	mu     sync.Mutex
	values []string
}

func (s *syncStrings) add(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, v)
}

func (s *syncStrings) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.values)
}

// consumer stands for whatever uses a key.
//
//nolint:gochecknoglobals // holds nothing but a timeout
var consumer = &http.Client{Timeout: time.Minute}

// get sends a GET with a bearer token and returns the status.
func get(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := consumer.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// attribute reads an attribute of the test's resource out of the state of a check.
func attribute(s *terraform.State, name string) string {
	for _, module := range s.Modules {
		if r, ok := module.Resources[address]; ok && r.Primary != nil {
			return r.Primary.Attributes[name]
		}
	}
	return ""
}

// remember stores an attribute for a later step.
func remember(name string, into *string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		*into = attribute(s, name)
		if *into == "" {
			return fmt.Errorf("%s is empty", name)
		}
		return nil
	}
}

// same checks an attribute against a value remembered before; the value itself is not printed.
func same(name string, want *string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		if attribute(s, name) != *want {
			return fmt.Errorf("%s changed", name)
		}
		return nil
	}
}

// changed is the opposite of same.
func changed(name string, from *string) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		if got := attribute(s, name); got == "" || got == *from {
			return fmt.Errorf("%s did not change", name)
		}
		return nil
	}
}

// check turns a condition on the world into a check of a step.
func check(what string, ok func() bool) resource.TestCheckFunc {
	return func(*terraform.State) error {
		if !ok() {
			return fmt.Errorf("not so: %s", what)
		}
		return nil
	}
}

// post sends a JSON body with a bearer token and returns the status.
func post(t *testing.T, url, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := consumer.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
