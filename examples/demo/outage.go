package main

import "sync"

// outage kills the operator at the worst moment: when the API has issued a key and has not told it yet. Nobody has the
// plaintext of that key.
type outage struct {
	mu     sync.Mutex
	victim *process
	struck chan string
}

func newOutage() *outage { return &outage{struck: make(chan string, 1)} }

// await arms it for the next key. The channel then tells the key's id.
func (o *outage) await(victim *process) <-chan string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.victim = victim
	return o.struck
}

// issued is told of each key before the API's answer is sent. It returns when the process is gone.
func (o *outage) issued(id, _ string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.victim == nil {
		return
	}
	o.victim.kill()
	o.victim = nil
	o.struck <- id
}
