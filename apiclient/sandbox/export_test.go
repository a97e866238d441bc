package sandbox

// AxisValues are the values of each axis of Dialect, the default first, for tests that leave none out.
func AxisValues() map[string][]string {
	values := map[string][]string{}
	for _, a := range axes {
		values[a.name] = a.values
	}
	return values
}

// Endpoint is a route without its handler.
type Endpoint struct {
	Method, Pattern, Scope string
	Operation              Operation
}

// Endpoints are the routes of the API.
func Endpoints() []Endpoint {
	var endpoints []Endpoint
	for _, r := range append(businessRoutes(), managementRoutes...) {
		endpoints = append(endpoints, Endpoint{r.method, r.pattern, r.scope, r.op})
	}
	return endpoints
}
