package apiclient

// Marker is the tag that tells who made a key, put in square brackets after its name: " [tf:1a2b3c4d]".
type Marker string

func NewTerraformMarker() (Marker, error)                  { panic("todo") } // "tf:" + 8 random hex digits
func KubernetesMarker(clusterUID, objectUID string) Marker { panic("todo") } // "k8s:<cluster8>:<uid12>", design 7
func (m Marker) Append(name string) string                 { panic("todo") } // idempotent
func (m Marker) AppendWithin(name string, max int) string  { panic("todo") } // shortens name with a hash, never the marker; counts runes
func (m Marker) In(name string) bool                       { panic("todo") } // anywhere in the name
func StripMarkers(name string) string                      { panic("todo") } // all tf: and k8s: markers, well-formed only
func MarkersIn(name string) []Marker                       { panic("todo") }
