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

// Everybody who may write ApiKeys writes templates, and the operator executes them at every look at an ApiKey: they must cost
// little, whatever they say. Nothing in a template is executed more often than it is written, see [cost]; what remains is
// how much is written, and the work of the functions that make strings.
const (
	templateLimit = 64 << 10  // the size of an entry, and of what a function takes or makes, in bytes
	workLimit     = 256 << 10 // what functions take and make in one rendering of all entries, in bytes
	operandLimit  = 1024      // fields, variables, functions and their arguments in all entries
	formatLimit   = 256       // the first argument of printf, in bytes
)

var (
	errTooLarge   = fmt.Errorf("makes more than %d bytes: shorten it", templateLimit)
	errTooMuch    = fmt.Errorf("costs too much: functions may take and make %d bytes in all entries together; use fewer of them, or shorter texts", workLimit)
	errTooMany    = fmt.Errorf("costs too much: all entries together may have %d fields, variables, functions and arguments; use fewer", operandLimit)
	errFormat     = fmt.Errorf("has a format of printf with more than %d bytes: write the text beside it", formatLimit)
	errUnbounded  = errors.New("uses range, define, block or template, which it may not, because they have no bound")
	errNotAllowed = []error{errTooLarge, errTooMuch, errTooMany, errFormat, errUnbounded}
)

// templateError says which entry of the target cannot be rendered, and why.
type templateError struct{ entry, why string }

func (e *templateError) Error() string { return fmt.Sprintf("secret.template[%s] %s", e.entry, e.why) }

// rendering is one rendering of all entries, which share what they may cost.
type rendering struct {
	data           templateData
	work, operands int
}

// execute renders one entry. Its error never holds the key.
func (r *rendering) execute(entry, text string) (string, error) {
	parsed, err := template.New(entry).Option("missingkey=error").Funcs(r.funcs()).Parse(text)
	if err != nil {
		return "", &templateError{entry, "cannot be read: " + err.Error()}
	}
	out := &boundedWriter{}
	if err = r.admit(parsed); err == nil {
		err = parsed.Execute(out, r.data)
	}
	if err == nil {
		return out.String(), nil
	}
	if errors.Is(err, errNoBaseURL) {
		return "", &templateError{entry, "uses .BaseURL, and the Connection does not exist: create it"}
	}
	for _, known := range errNotAllowed {
		if errors.Is(err, known) {
			return "", &templateError{entry, known.Error()}
		}
	}
	// Not its error: that may quote what the template made of the key.
	return "", &templateError{entry, "cannot be executed: it may use .Key, .KeyID, .KeyPrefix, .Last4, .Name, .Namespace and .BaseURL"}
}

// admit counts what is written in the template.
func (r *rendering) admit(parsed *template.Template) error {
	if len(parsed.Templates()) > 1 {
		return errUnbounded
	}
	if parsed.Tree == nil {
		return nil
	}
	operands, bounded := cost(parsed.Root)
	if !bounded {
		return errUnbounded
	}
	if r.operands += operands; r.operands > operandLimit {
		return errTooMany
	}
	return nil
}

// cost counts the operands in the tree, and reports whether each of them is executed at most once.
func cost(node parse.Node) (operands int, bounded bool) {
	var children []parse.Node
	switch n := node.(type) {
	case *parse.ListNode:
		children = n.Nodes
	case *parse.ActionNode:
		children = []parse.Node{n.Pipe}
	case *parse.IfNode:
		children = branches(&n.BranchNode)
	case *parse.WithNode:
		children = branches(&n.BranchNode)
	case *parse.PipeNode:
		operands = len(n.Decl)
		for _, command := range n.Cmds {
			operands += len(command.Args)
			children = append(children, command.Args...)
		}
	case *parse.ChainNode:
		operands, children = len(n.Field), []parse.Node{n.Node}
	case *parse.RangeNode, *parse.TemplateNode:
		return 0, false
	}
	for _, child := range children {
		more, bounded := cost(child)
		if !bounded {
			return 0, false
		}
		operands += more
	}
	return operands, true
}

func branches(n *parse.BranchNode) []parse.Node {
	children := []parse.Node{n.Pipe, n.List}
	if n.ElseList != nil {
		children = append(children, n.ElseList)
	}
	return children
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

// funcs replace the built-in functions that make strings: a variable can be doubled with each of them.
func (r *rendering) funcs() template.FuncMap {
	return template.FuncMap{
		"print":    r.bounded(fmt.Sprint),
		"println":  r.bounded(fmt.Sprintln),
		"html":     r.bounded(template.HTMLEscaper),
		"js":       r.bounded(template.JSEscaper),
		"urlquery": r.bounded(template.URLQueryEscaper),
		"printf": func(format string, args ...any) (string, error) {
			switch {
			case len(format) > formatLimit:
				return "", errFormat
			case wide.MatchString(format):
				return "", errTooLarge
			}
			return r.bounded(func(args ...any) string { return fmt.Sprintf(format, args...) })(args...)
		},
	}
}

// wide is a verb of printf whose width or precision has more than three digits or comes from an argument, or that names its
// argument and so can repeat it.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{4}|[*\[])`)

// bounded counts what f takes and makes. What it makes is bounded by what it takes: a few times that, and what widths and
// precisions of three digits in a format of 256 bytes can add.
func (r *rendering) bounded(f func(args ...any) string) func(args ...any) (string, error) {
	return func(args ...any) (string, error) {
		taken := 0
		for _, arg := range args {
			if text, ok := arg.(string); ok {
				taken += len(text)
			}
		}
		if err := r.charge(taken); err != nil {
			return "", err
		}
		made := f(args...)
		return made, r.charge(len(made))
	}
}

// charge counts bytes that a function takes or has made.
func (r *rendering) charge(size int) error {
	if size > templateLimit {
		return errTooLarge
	}
	if r.work += size; r.work > workLimit {
		return errTooMuch
	}
	return nil
}
