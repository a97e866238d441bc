package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseFaults reads a comma-separated list of rules of the form operation:kind[:option...], for example
// "create:cut-after-commit:times=1,list:502-html:p=0.1". The operation may be "any". Options are skip=n, times=n,
// p=probability, latency=duration, status=code and, as the last one, location=url (without commas).
func ParseFaults(s string) ([]Fault, error) {
	var rules []Fault
	for _, text := range strings.Split(s, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		f, err := parseFault(text)
		if err != nil {
			return nil, fmt.Errorf("fault rule %q: %w", text, err)
		}
		rules = append(rules, f)
	}
	return rules, nil
}

func parseFault(text string) (Fault, error) {
	text, location, _ := strings.Cut(text, ":location=")
	parts := strings.Split(text, ":")
	if len(parts) < 2 {
		return Fault{}, fmt.Errorf("want operation:kind")
	}
	f := Fault{Operation: Operation(parts[0]), Kind: FaultKind(parts[1]), Location: location}
	if f.Operation == "any" {
		f.Operation = ""
	}
	for _, option := range parts[2:] {
		if err := setOption(&f, option); err != nil {
			return Fault{}, fmt.Errorf("option %q: %w", option, err)
		}
	}
	return f, f.Validate()
}

func setOption(rule *Fault, option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "skip":
		rule.Skip, err = strconv.Atoi(value)
	case "times":
		rule.Times, err = strconv.Atoi(value)
	case "p":
		rule.Probability, err = strconv.ParseFloat(value, 64)
	case "latency":
		rule.Latency, err = time.ParseDuration(value)
	case "status":
		rule.Status, err = strconv.Atoi(value)
	default:
		err = fmt.Errorf("unknown, want skip, times, p, latency, status or location")
	}
	return err
}
