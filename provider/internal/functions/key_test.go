package functions

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const secretPart = "0123456789abcdefghijklmnopqrWXYZ"

func TestSplitAndMask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plaintext string
		parts     keyParts
		masked    string
	}{
		"documented":               {"bdk_live_ABC123_" + secretPart, keyParts{"bdk_live_ABC123", "live", "WXYZ"}, "bdk_live_ABC123_...WXYZ"},
		"another environment":      {"bdk_test_a1_" + secretPart, keyParts{"bdk_test_a1", "test", "WXYZ"}, "bdk_test_a1_...WXYZ"},
		"no environment":           {"bdk_ABC123_" + secretPart, keyParts{"bdk_ABC123", "", "WXYZ"}, "bdk_ABC123_...WXYZ"},
		"underscores in the rest":  {"bdk_live_ABC123_a_b_c_d_e_f_WXYZ", keyParts{"bdk_live_ABC123", "live", "WXYZ"}, "bdk_live_ABC123_...WXYZ"},
		"runes":                    {"bdk_live_ABC123_öäüßöäüßöäüß", keyParts{"bdk_live_ABC123", "live", "öäüß"}, "bdk_live_ABC123_...öäüß"},
		"no id":                    {"bdk_live_" + secretPart, keyParts{"bdk_live", "", "WXYZ"}, "bdk_live_...WXYZ"},
		"id too long to be one":    {"bdk_live_" + secretPart + "_WXYZ", keyParts{"bdk_live", "", "WXYZ"}, "bdk_live_...WXYZ"},
		"short secret":             {"bdk_live_ABC123_12345678901", keyParts{"bdk_live_ABC123", "live", ""}, "bdk_live_ABC123_..."},
		"the page's own example":   {"bdk_live_ABC123_<random>", keyParts{"bdk_live_ABC123", "live", ""}, "bdk_live_ABC123_..."},
		"nothing":                  {"", keyParts{}, "..."},
		"no secret":                {"bdk_live_", keyParts{}, "..."},
		"another product's":        {"ghp_live_ABC123_" + secretPart, keyParts{}, "..."},
		"a session token":          {"eyJhbGciOi.J9_x_y_z", keyParts{}, "..."},
		"upper case":               {"BDK_LIVE_ABC123_" + secretPart, keyParts{}, "..."},
		"a line break after it":    {"bdk_live_ABC123_" + secretPart + "\n", keyParts{}, "..."},
		"two in one":               {"bdk_live_ABC123_" + secretPart + " bdk_live_ABC123_x", keyParts{}, "..."},
		"a prefix that is no word": {"bdk_" + secretPart + "_" + secretPart, keyParts{}, "..."},
		"not UTF-8":                {"bdk_live_ABC123_" + secretPart + "\xff", keyParts{}, "..."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, problem := split(c.plaintext)
			if parts != c.parts {
				t.Errorf("parts are %+v, want %+v", parts, c.parts)
			}
			if (problem != "") != (c.parts == keyParts{}) {
				t.Errorf("problem: %q", problem)
			}
			if got := mask(c.plaintext); got != c.masked {
				t.Errorf("masked is %q, want %q", got, c.masked)
			}
		})
	}
}

// FuzzKey: whatever the text, nothing panics, and nothing more is shown than a prefix of bounded length and four
// characters, at least eight staying hidden (P5).
func FuzzKey(f *testing.F) {
	for _, seed := range []string{"", "bdk_live_ABC123_" + secretPart, "bdk_live_" + secretPart, "bdk_a_b_c", "bdk_live_ABC123_öäüßöäüßöäüß", "bdk__ _\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, plaintext string) {
		parts, problem := split(plaintext)
		masked := mask(plaintext)
		if problem != "" {
			if parts != (keyParts{}) || masked != hidden {
				t.Fatalf("shows something of what it does not recognise: %+v, %q", parts, masked)
			}
			if len(plaintext) > 8 && strings.Contains(problem, plaintext) && !strings.Contains("bdk_live_ABC123_", plaintext) {
				t.Fatalf("the problem repeats the text")
			}
			return
		}
		if masked != parts.prefix+"_"+hidden+parts.last4 {
			t.Fatalf("masked is %q of %+v", masked, parts)
		}
		if !strings.HasPrefix(plaintext, parts.prefix+"_") || !strings.HasSuffix(plaintext, parts.last4) {
			t.Fatalf("parts %+v are not the text's", parts)
		}
		const longest = len("bdk_") + 16 + len("_") + 12
		if len(parts.prefix) > longest || utf8.RuneCountInString(parts.last4) > 4 {
			t.Fatalf("shows too much: %+v", parts)
		}
		shown := utf8.RuneCountInString(parts.prefix+"_") + utf8.RuneCountInString(parts.last4)
		if left := utf8.RuneCountInString(plaintext) - shown; parts.last4 != "" && left < 8 || left < 1 {
			t.Fatalf("only %d characters stay hidden", left)
		}
	})
}
