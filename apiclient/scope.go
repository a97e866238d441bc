package apiclient

// Scope catalogue of the vendor's page; wildcards "<area>:*" and "*".
type ScopeInfo struct{ Name, Area, Action, Description string }

func Catalogue() []ScopeInfo                      { panic("todo") }
func KnownScope(s string) bool                    { panic("todo") } // catalogue, "<known area>:*", "*"
func SuggestScope(s string) (string, bool)        { panic("todo") } // nearest known scope for a near miss (inventory.read, inventroy:read, Inventory:Read)
func Allows(granted []string, wanted string) bool { panic("todo") }

// SameCoverage reports whether got grants what wanted grants and no more: the server may expand a wildcard we asked
// for, but a wildcard where single scopes were asked for is wider.
func SameCoverage(wanted, got []string) bool { panic("todo") }
