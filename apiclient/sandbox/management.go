package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// Management returns the handler of the second listener: statistics, faults, and the state that the vendor's API has no
// endpoint for. It has no authentication, so it belongs on a loopback address; requests that a browser sends for
// another site are refused. docs/sandbox.md describes it.
func (s *Server) Management() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(r *http.Request) (status int, body any, err error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			status, body, err := h(r)
			writeManagement(w, status, body, err)
		})
	}
	handle("GET /healthz", func(*http.Request) (int, any, error) { return http.StatusOK, object{"status": "ok"}, nil })
	handle("GET /statistics", func(*http.Request) (int, any, error) { return http.StatusOK, s.Stats(), nil })
	handle("DELETE /statistics", func(*http.Request) (int, any, error) { s.ResetStats(); return http.StatusNoContent, nil, nil })
	handle("GET /faults", func(*http.Request) (int, any, error) { return http.StatusOK, s.faultList(), nil })
	handle("POST /faults", s.postFaults)
	handle("DELETE /faults", func(*http.Request) (int, any, error) { s.ClearFaults(); return http.StatusNoContent, nil, nil })
	handle("DELETE /faults/{id}", s.deleteFault)
	handle("GET /keys", func(*http.Request) (int, any, error) { return http.StatusOK, object{"keys": s.Keys()}, nil })
	handle("POST /keys/{id}", s.postKey)
	handle("DELETE /keys/{id}", s.deleteKey)
	handle("GET /organisation", func(*http.Request) (int, any, error) { return http.StatusOK, s.organisationView(), nil })
	handle("POST /organisation", s.postOrganisation)
	handle("GET /clock", func(*http.Request) (int, any, error) { return http.StatusOK, s.clockView(), nil })
	handle("POST /clock", s.postClock)
	handle("POST /session-tokens", s.postSessionToken)
	handle("DELETE /session-tokens", s.deleteSessionToken)
	return http.NewCrossOriginProtection().Handler(mux)
}

func writeManagement(w http.ResponseWriter, status int, body any, err error) {
	switch {
	case errors.Is(err, ErrKeyNotFound), errors.Is(err, errFaultNotFound):
		status, body = http.StatusNotFound, object{"error": err.Error()}
	case err != nil:
		status, body = http.StatusBadRequest, object{"error": err.Error()}
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	text, contentType := answer{body: body}.encode()
	w.Header().Set("Content-Type", contentType)
	write(w, status, text)
}

// readManagement decodes a body strictly: a misspelt field would silently do nothing.
func readManagement(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// keyEdit is the body of POST /keys/{id}. What is absent stays as it is.
type keyEdit struct {
	Name       *string         `json:"name"`
	Scopes     *[]string       `json:"scopes"`
	Status     *string         `json:"status"`
	ExpiresAt  json.RawMessage `json:"expiresAt"` // a time, or null for none
	AllowedIPs *[]string       `json:"allowedIPs"`
}

func (s *Server) postKey(r *http.Request) (int, any, error) {
	var edit keyEdit
	if err := readManagement(r, &edit); err != nil {
		return 0, nil, err
	}
	var expiresAt *time.Time
	if edit.ExpiresAt != nil {
		if err := json.Unmarshal(edit.ExpiresAt, &expiresAt); err != nil {
			return 0, nil, err
		}
	}
	after, err := s.editKey(r.PathValue("id"), func(k *Key) {
		assign(&k.Name, edit.Name)
		assign(&k.Scopes, edit.Scopes)
		assign(&k.Status, edit.Status)
		assign(&k.AllowedIPs, edit.AllowedIPs)
		if edit.ExpiresAt != nil {
			k.ExpiresAt = expiresAt
		}
	})
	return http.StatusOK, after, err
}

func assign[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (s *Server) deleteKey(r *http.Request) (int, any, error) {
	return http.StatusNoContent, nil, s.DeleteKey(r.PathValue("id"))
}

func (s *Server) organisationView() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.tenant.organisation
	return object{"active": o.Active, "allowedIPs": append([]string{}, o.AllowedIPs...)}
}

func (s *Server) postOrganisation(r *http.Request) (int, any, error) {
	var in struct {
		Active     *bool     `json:"active"`
		AllowedIPs *[]string `json:"allowedIPs"`
	}
	if err := readManagement(r, &in); err != nil {
		return 0, nil, err
	}
	if in.AllowedIPs != nil {
		if err := s.SetOrganisationIPs(*in.AllowedIPs...); err != nil {
			return 0, nil, err
		}
	}
	if in.Active != nil {
		s.SetOrganisationActive(*in.Active)
	}
	return http.StatusOK, s.organisationView(), nil
}

func (s *Server) clockView() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return object{"now": s.now().UTC(), "offset": s.tenant.organisation.ClockOffset.String()}
}

func (s *Server) postClock(r *http.Request) (int, any, error) {
	var in struct {
		Offset  *string `json:"offset"`  // replaces the offset
		Advance *string `json:"advance"` // is added to it
	}
	if err := readManagement(r, &in); err != nil {
		return 0, nil, err
	}
	offset, err := optionalDuration(in.Offset)
	if err != nil {
		return 0, nil, err
	}
	advance, err := optionalDuration(in.Advance)
	if err != nil {
		return 0, nil, err
	}
	if in.Offset != nil {
		s.SetClockOffset(offset)
	}
	s.AdvanceClock(advance)
	return http.StatusOK, s.clockView(), nil
}

func optionalDuration(text *string) (time.Duration, error) {
	if text == nil {
		return 0, nil
	}
	return time.ParseDuration(*text)
}

// sessionTokenBody carries a token in a body, because addresses end up in logs.
type sessionTokenBody struct {
	SessionToken string `json:"sessionToken"`
}

func (s *Server) postSessionToken(*http.Request) (int, any, error) {
	return http.StatusCreated, sessionTokenBody{s.NewSessionToken()}, nil
}

func (s *Server) deleteSessionToken(r *http.Request) (int, any, error) {
	var in sessionTokenBody
	if err := readManagement(r, &in); err != nil {
		return 0, nil, err
	}
	s.RevokeSessionToken(in.SessionToken)
	return http.StatusNoContent, nil, nil
}
