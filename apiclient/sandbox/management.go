package sandbox

import "net/http"

// Management returns the handler of the second listener.
func (s *Server) Management() http.Handler {
	mux := http.NewServeMux()
	return mux
}
