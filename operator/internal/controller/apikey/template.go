package apikey

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// templateData is what templates of target entries can name.
type templateData struct {
	Key, KeyID, KeyPrefix, Last4, Name, Namespace string

	baseURL string
}

var errNoBaseURL = errors.New("the Connection does not exist")

// BaseURL fails where the Connection is gone: an entry that named an address keeps it, rather than an empty one.
func (d templateData) BaseURL() (string, error) {
	if d.baseURL == "" {
		return "", errNoBaseURL
	}
	return d.baseURL, nil
}

// templateLimit is the size of an entry, in bytes. Everybody who may write ApiKeys writes templates, and the operator
// executes them: they must cost little, whatever they say.
const templateLimit = 64 << 10

var errTooLarge = fmt.Errorf("makes more than %d bytes", templateLimit)

// templateError says which entry of the target cannot be rendered, and why.
type templateError struct{ entry, why string }

func (e *templateError) Error() string { return fmt.Sprintf("secret.template[%s] %s", e.entry, e.why) }

// execute renders one entry. Its error never holds the key.
func execute(entry, text string, data templateData) (string, error) {
	parsed, err := template.New(entry).Option("missingkey=error").Funcs(boundedFuncs).Parse(text)
	if err != nil {
		return "", &templateError{entry, "cannot be read: " + err.Error()}
	}
	if len(parsed.Templates()) > 1 || parsed.Tree != nil && unbounded(parsed.Root) {
		return "", &templateError{entry, "uses range, define, block or template, which it may not, because they have no bound"}
	}
	out := &boundedWriter{}
	switch err := parsed.Execute(out, data); {
	case errors.Is(err, errNoBaseURL):
		return "", &templateError{entry, "uses .BaseURL, and the Connection does not exist: create it"}
	case errors.Is(err, errTooLarge):
		return "", &templateError{entry, errTooLarge.Error()}
	case err != nil:
		// Not its error: that may quote what the template made of the key.
		return "", &templateError{entry, "cannot be executed: it may use .Key, .KeyID, .KeyPrefix, .Last4, .Name, .Namespace and .BaseURL"}
	}
	return out.String(), nil
}

// unbounded reports whether something in the tree may be executed more often than it is written.
func unbounded(node parse.Node) bool {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return false
		}
		for _, child := range n.Nodes {
			if unbounded(child) {
				return true
			}
		}
	case *parse.IfNode:
		return unbounded(n.List) || unbounded(n.ElseList)
	case *parse.WithNode:
		return unbounded(n.List) || unbounded(n.ElseList)
	case *parse.RangeNode, *parse.TemplateNode:
		return true
	}
	return false
}

// boundedWriter refuses what does not fit.
type boundedWriter struct{ strings.Builder }

// Write implements io.Writer.
func (w *boundedWriter) Write(p []byte) (int, error) {
	if w.Len()+len(p) > templateLimit {
		return 0, errTooLarge
	}
	return w.Builder.Write(p)
}

// boundedFuncs replace the built-in functions that make strings: a variable can be doubled with each of them.
var boundedFuncs = template.FuncMap{
	"print":    bounded(fmt.Sprint),
	"println":  bounded(fmt.Sprintln),
	"html":     bounded(template.HTMLEscaper),
	"js":       bounded(template.JSEscaper),
	"urlquery": bounded(template.URLQueryEscaper),
	"printf": func(format string, args ...any) (string, error) {
		if wide.MatchString(format) {
			return "", errTooLarge
		}
		return bounded(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
	},
}

// wide is a verb of printf whose width or precision has more than three digits or comes from an argument, or that names its
// argument and so can repeat it.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{4}|[*\[])`)

func bounded(f func(args ...any) string) func(args ...any) (string, error) {
	return func(args ...any) (string, error) {
		total := 0
		for _, arg := range args {
			if text, ok := arg.(string); ok {
				total += len(text)
			}
		}
		if total > templateLimit {
			return "", errTooLarge
		}
		made := f(args...)
		if len(made) > templateLimit {
			return "", errTooLarge
		}
		return made, nil
	}
}
