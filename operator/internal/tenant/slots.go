package tenant

import (
	"sync"
	"time"
)

// patience is how long a worker waits for a connection, and from when on an exchange counts as hanging.
const patience = 2 * time.Second

// moment is when to come back to a connection that answers but is occupied.
const moment = 200 * time.Millisecond

// slots counts the workers that one connection holds at the moment. A server that hangs must not get hold of all of
// them.
type slots struct {
	mu    sync.Mutex
	next  int
	begun map[int]time.Time
}

// take takes a slot, unless limit workers are held already or one of them hangs: then it says when to come back.
func (s *slots) take(limit int, now time.Time) (release func(), comeBack time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if comeBack = s.fullLocked(limit, now); comeBack > 0 {
		return nil, comeBack
	}
	return s.addLocked(now), 0
}

// takeUnder takes a slot, unless limit workers are held already. Whether one of them hangs is not its concern.
func (s *slots) takeUnder(limit int, now time.Time) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.begun) >= limit {
		return nil, false
	}
	return s.addLocked(now), true
}

// force takes a slot whatever is held.
func (s *slots) force(now time.Time) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addLocked(now)
}

// full returns when to come back; zero if there is a slot.
func (s *slots) full(limit int, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fullLocked(limit, now)
}

func (s *slots) fullLocked(limit int, now time.Time) time.Duration {
	for _, at := range s.begun {
		if now.Sub(at) > patience {
			return patience
		}
	}
	if len(s.begun) >= limit {
		return moment
	}
	return 0
}

func (s *slots) addLocked(now time.Time) (release func()) {
	if s.begun == nil {
		s.begun = map[int]time.Time{}
	}
	s.next++
	mine := s.next
	s.begun[mine] = now
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.begun, mine)
	}
}
