package apikey

import "testing"

// A mint that is undone, because its ApiKey was deleted meanwhile, removes its own ledger alone: under the same name
// another process may have sealed another key by then.
func TestUndoLeavesAnotherLedger(t *testing.T) {
	t.Parallel()
	s, c := directed(t, 1)
	other := s.issue(s.tenants["A"], "of another process", []string{"inventory:read"})
	var sealed bool
	s.before = func(_ *process, _ int, what string) fault {
		switch what {
		case "create ledger":
			sealed = true
		case "get apikey":
			if r := c.present().apiKeys[apiKeyName(0)]; sealed && r.DeletedAt.IsZero() {
				remove(c)
			}
		case "get ledger":
			c.commit(func(e *etcd) {
				for name, l := range e.ledgers {
					l.ID, l.UID, l.Plaintext = other.id, "of-another-process", other.plaintext
					e.ledgers[name] = l
				}
			})
		}
		return noFault
	}
	p := c.processes[0]
	p.ref = c.refs()[0]
	if _, err := p.engine.Reconcile(t.Context(), p.ref); err != nil {
		t.Error(err)
	}
	for _, l := range c.present().ledgers {
		if l.ID == other.id {
			return
		}
	}
	t.Errorf("the ledger of the other key is gone: %v", s.violation)
}
