package sandbox

import (
	"errors"
	"net/http"
	"time"
)

var errFaultNotFound = errors.New("sandbox: fault not found")

// faultBody is a rule as the management listener reads and shows it. Rules, alone, holds the syntax of [ParseFaults].
type faultBody struct {
	Rules       string    `json:"rules,omitempty"`
	ID          string    `json:"id,omitempty"` // answers only
	Operation   Operation `json:"operation,omitempty"`
	Kind        FaultKind `json:"kind,omitempty"`
	Skip        int       `json:"skip,omitempty"`
	Times       int       `json:"times,omitempty"`
	Probability float64   `json:"probability,omitempty"`
	Latency     string    `json:"latency,omitempty"` // "1.5s"
	Location    string    `json:"location,omitempty"`
	Status      int       `json:"status,omitempty"`
	Seen        int       `json:"seen"` // answers only
	Hits        int       `json:"hits"` // answers only
}

func (s *Server) faultList() any {
	list := []faultBody{}
	for _, a := range s.Faults() {
		b := faultBody{
			ID: a.ID, Operation: a.Fault.Operation, Kind: a.Fault.Kind, Skip: a.Fault.Skip, Times: a.Fault.Times,
			Probability: a.Fault.Probability, Location: a.Fault.Location, Status: a.Fault.Status, Seen: a.Seen, Hits: a.Hits,
		}
		if a.Fault.Latency > 0 {
			b.Latency = a.Fault.Latency.String()
		}
		list = append(list, b)
	}
	return object{"faults": list}
}

func (s *Server) postFaults(r *http.Request) (int, any, error) {
	var in faultBody
	if err := readManagement(r, &in); err != nil {
		return 0, nil, err
	}
	rules, err := in.faults()
	if err != nil {
		return 0, nil, err
	}
	for _, rule := range rules {
		s.AddFault(rule)
	}
	return http.StatusCreated, s.faultList(), nil
}

// faults are the rules that a body asks for, checked.
func (body faultBody) faults() ([]Fault, error) {
	if body.Rules != "" {
		return ParseFaults(body.Rules)
	}
	f := Fault{
		Operation: body.Operation, Kind: body.Kind, Skip: body.Skip, Times: body.Times,
		Probability: body.Probability, Location: body.Location, Status: body.Status,
	}
	if body.Latency != "" {
		latency, err := time.ParseDuration(body.Latency)
		if err != nil {
			return nil, err
		}
		f.Latency = latency
	}
	return []Fault{f}, f.Validate()
}

func (s *Server) deleteFault(r *http.Request) (int, any, error) {
	if !s.RemoveFault(r.PathValue("id")) {
		return 0, nil, errFaultNotFound
	}
	return http.StatusNoContent, nil, nil
}
