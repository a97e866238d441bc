package apitest

import "strings"

// ruleCase is one rule of a schema: specs that pass it, and specs that fail it with its message at its field.
//
// A spec is written as what it adds to the smallest valid one of its kind (see minimal).
type ruleCase struct {
	kind    string
	field   string
	message string // what the refusal says, whole where the rule is ours, a part where it is Kubernetes' own
	before  string // the spec that is replaced, for rules about changes
	accept  []string
	refuse  []string
}

// minimal is the smallest valid spec of each kind.
var minimal = map[string]string{
	"ApiKey":            "scopes: [inventory:read]",
	"Connection":        "tokenSecretRef: {name: token}",
	"ClusterConnection": "tokenSecretRef: {namespace: platform, name: token}\nallowedNamespaces: [shop]",
}

// specOf is the minimal spec of a kind with an addition, whose fields replace the minimal ones.
func specOf(kind, addition string) string {
	var lines []string
	for line := range strings.Lines(minimal[kind]) {
		name, _, _ := strings.Cut(line, ":")
		if !strings.HasPrefix(addition, name+":") && !strings.Contains(addition, "\n"+name+":") {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(append(lines, addition), "\n")
}

const (
	durationMessage   = "must be a duration in hours, minutes or seconds, for example 2160h for 90 days, 24h, 90m or 0s"
	objectNameMessage = "must be an object's name: lower case letters, digits, hyphens and dots"
	secretKeyMessage  = "must be a Secret's key: letters, digits, hyphens, underscores and dots, not beginning with two dots"
	scopeMessage      = "a scope holds no spaces, commas or control characters, as in inventory:read: make each scope an item of its own"
	ledgerNameMessage = "names that end in -bdk-<number> belong to the operator's ledger Secrets: choose another name"
)

func allCases() []ruleCase {
	cases := append(apiKeyCases(), secretCases()...)
	cases = append(cases, windowCases()...)
	for _, kind := range []string{"Connection", "ClusterConnection"} {
		cases = append(cases, connectionCases(kind)...)
	}
	return append(cases, clusterConnectionCases()...)
}

func apiKeyCases() []ruleCase {
	return []ruleCase{
		{
			kind: "ApiKey", field: "spec.scopes", message: "Required value",
			accept: []string{""},
			refuse: []string{"scopes: null"},
		},
		{
			kind: "ApiKey", field: "spec.scopes", message: "should have at least 1 items",
			accept: []string{"scopes: [inventory:read]"},
			refuse: []string{"scopes: []"},
		},
		{
			kind: "ApiKey", field: "spec.scopes[1]", message: "Duplicate value",
			accept: []string{"scopes: [inventory:read, inventory:write]"},
			refuse: []string{"scopes: [inventory:read, inventory:read]"},
		},
		{
			kind: "ApiKey", field: "spec.scopes[0]", message: scopeMessage,
			accept: []string{"scopes: ['*']", "scopes: ['inventory:*', inventory.adjust]", "scopes: ['lager:lesen-ä']"},
			refuse: []string{"scopes: ['inventory:read,forecast:read']", "scopes: ['inventory:read forecast:read']", "scopes: [' inventory:read']", `scopes: ["inventory:\u0007"]`},
		},
		{
			kind: "ApiKey", field: "spec.connectionRef", message: "connectionRef cannot be changed: create another ApiKey with the new connection, move its consumers, then delete this one",
			before: "connectionRef: {kind: ClusterConnection, name: eu}",
			accept: []string{"connectionRef: {kind: ClusterConnection, name: eu}\nsuspend: true"},
			refuse: []string{"connectionRef: {kind: ClusterConnection, name: us}", "connectionRef: {kind: Connection, name: eu}", "suspend: true"},
		},
		{
			kind: "ApiKey", field: "spec.connectionRef.kind", message: `supported values: "Connection", "ClusterConnection"`,
			accept: []string{"connectionRef: {kind: Connection}", "connectionRef: {kind: ClusterConnection}"},
			refuse: []string{"connectionRef: {kind: Secret}"},
		},
		{
			kind: "ApiKey", field: "spec.connectionRef.name", message: objectNameMessage,
			accept: []string{"connectionRef: {name: eu-1.prod}"},
			refuse: []string{"connectionRef: {name: EU}", "connectionRef: {name: a/b}"},
		},
		{
			kind: "ApiKey", field: "spec.displayName", message: `displayName must not contain "[k8s:" or "[tf:": these begin the markers that tell who made a key`,
			accept: []string{"displayName: Forecast reader [blue]"},
			refuse: []string{"displayName: 'x [k8s:00000000:000000000000]'", "displayName: 'x [tf:00000000]'"},
		},
		{
			kind: "ApiKey", field: "spec.displayName", message: "displayName must not begin or end with a space or contain control characters: remove them",
			accept: []string{"displayName: x", "displayName: Lager lesen ä ü 鍵"},
			refuse: []string{"displayName: ' x'", "displayName: 'x '", `displayName: "a\nb"`, `displayName: " "`},
		},
		{
			kind: "ApiKey", field: "spec.rotation.overlap",
			message: "overlap (24h unless set) must be shorter than interval, or keys would pile up: set a shorter overlap or a longer interval",
			accept:  []string{"rotation: {interval: 2160h}", "rotation: {interval: 1h, overlap: 59m}", "rotation: {interval: 1h, overlap: 0s}"},
			refuse:  []string{"rotation: {interval: 1h}", "rotation: {interval: 1h, overlap: 1h}", "rotation: {interval: 24h, overlap: 2000m}"},
		},
		{
			kind: "ApiKey", field: "spec.rotation.interval", message: durationMessage,
			accept: []string{"rotation: {interval: 48h30m15s}", "rotation: {interval: 999999h999999h}", "rotation: {interval: 36.5h}"},
			refuse: []string{"rotation: {interval: 90d}", "rotation: {interval: 'P90D'}", "rotation: {interval: -48h}", "rotation: {interval: '90'}"},
		},
		{
			kind: "ApiKey", field: "spec.rotation.interval", message: "must be at least 1m",
			accept: []string{"rotation: {interval: 1m, overlap: 0s}"},
			refuse: []string{"rotation: {interval: 59s, overlap: 0s}"},
		},
		{
			kind: "ApiKey", field: "spec.rotation.interval", message: "Required value",
			accept: []string{"rotation: {interval: 2160h}"},
			refuse: []string{"rotation: {overlap: 1h}"},
		},
		{
			kind: "ApiKey", field: "spec.rotation.overlap", message: durationMessage,
			accept: []string{"rotation: {interval: 2160h, overlap: 90m}"},
			refuse: []string{"rotation: {interval: 2160h, overlap: 1d}", "rotation: {interval: 2160h, overlap: '00'}"},
		},
		{
			kind: "ApiKey", field: "spec.restart[1]", message: "Duplicate value",
			accept: []string{"restart: [{kind: Deployment, name: a}, {kind: StatefulSet, name: a}]"},
			refuse: []string{"restart: [{kind: Deployment, name: a}, {kind: Deployment, name: a}]"},
		},
		{
			kind: "ApiKey", field: "spec.restart[0].kind", message: `supported values: "Deployment", "StatefulSet", "DaemonSet"`,
			accept: []string{"restart: [{kind: DaemonSet, name: a}]"},
			refuse: []string{"restart: [{kind: Job, name: a}]"},
		},
		{
			kind: "ApiKey", field: "spec.restart[0].name", message: objectNameMessage,
			accept: []string{"restart: [{kind: Deployment, name: forecaster}]"},
			refuse: []string{"restart: [{kind: Deployment, name: 'forecaster*'}]"},
		},
		{
			kind: "ApiKey", field: "spec.deletionPolicy", message: `supported values: "Revoke", "Retain"`,
			accept: []string{"deletionPolicy: Revoke", "deletionPolicy: Retain"},
			refuse: []string{"deletionPolicy: Orphan"},
		},
		{
			kind: "ApiKey", field: "spec.onRevoked", message: `supported values: "Reissue", "Hold"`,
			accept: []string{"onRevoked: Reissue", "onRevoked: Hold"},
			refuse: []string{"onRevoked: Ignore"},
		},
		{
			kind: "ApiKey", field: "spec.adopt.keyID", message: "must be the key's id as the list of keys shows it, such as key_123; never the key itself",
			accept: []string{"adopt: {keyID: key_123}", "adopt: {keyID: 3e8c5a52-0b7c-4f5e-9c55-9a3f0b7d5f11}"},
			refuse: []string{"adopt: {keyID: bdk_live_ABC123_0000}", "adopt: {keyID: 'key 123'}"},
		},
	}
}

func windowCases() []ruleCase {
	schedule := func(s string) string {
		return "rotation: {interval: 2160h, window: {duration: 4h, schedule: '" + s + "'}}"
	}
	zone := func(z string) string {
		return "rotation: {interval: 2160h, window: {duration: 4h, schedule: 0 2 * * 0, timeZone: '" + z + "'}}"
	}
	length := func(d string) string {
		return "rotation: {interval: 2160h, window: {schedule: 0 2 * * 0, duration: " + d + "}}"
	}
	const field = "spec.rotation.window.schedule"
	return []ruleCase{
		{
			kind: "ApiKey", field: field,
			message: `must be five cron fields with one space between: minute, hour, day of the month, month and weekday, for example "0 2 * * 0"; @daily and the like are not known`,
			accept:  []string{schedule("0 2 * * 0")},
			refuse:  []string{schedule("@every 1h"), schedule("0 2 * * 0 2027"), schedule("0 2 * *  "), schedule("0  2 * * 0"), schedule("0 0 2 * * *"), schedule("TZ=Asia/Tokyo 0 2 * * 0")},
		},
		{
			kind: "ApiKey", field: field, message: "the first field is the minute, 0 to 59, *, a range such as 0-30, a step such as */15, or a list of these",
			accept: []string{schedule("*/15 2 * * *"), schedule("0,30 2 * * *"), schedule("10-50/10 2 * * *"), schedule("59 2 * * *")},
			refuse: []string{schedule("60 2 * * 0"), schedule("*/0 2 * * 0"), schedule("5- 2 * * 0"), schedule("x 2 * * 0")},
		},
		{
			kind: "ApiKey", field: field, message: "the second field is the hour, 0 to 23, *, a range such as 2-4, a step such as */6, or a list of these",
			accept: []string{schedule("0 23 * * *"), schedule("0 */6 * * *"), schedule("0 1-3,22 * * *")},
			refuse: []string{schedule("0 24 * * 0"), schedule("0 2pm * * 0")},
		},
		{
			kind: "ApiKey", field: field, message: "the third field is the day of the month, 1 to 31, *, a range such as 1-7, a step such as */2, or a list of these",
			accept: []string{schedule("0 2 1,15 * *"), schedule("0 2 31 * *"), schedule("0 2 ? * 0"), schedule("0 2 1-7 * 0")},
			refuse: []string{schedule("0 2 0 * *"), schedule("0 2 32 * *"), schedule("0 2 L * *")},
		},
		{
			kind: "ApiKey", field: field, message: "the fourth field is the month, 1 to 12 or jan to dec, *, a range such as 1-3, a step such as */3, or a list of these",
			accept: []string{schedule("0 2 1 1,7 *"), schedule("0 2 1 JAN-mar *"), schedule("0 2 1 */3 *")},
			refuse: []string{schedule("0 2 1 13 *"), schedule("0 2 1 january *"), schedule("0 2 1 0 *")},
		},
		{
			kind: "ApiKey", field: field, message: "the fifth field is the day of the week, 0 (Sunday) to 6 or sun to sat, *, a range such as 1-5, or a list of these",
			accept: []string{schedule("0 2 * * 1-5"), schedule("0 2 * * SUN"), schedule("0 2 * * mon,wed"), schedule("0 2 1 * ?")},
			refuse: []string{schedule("0 2 * * 7"), schedule("0 2 * * sunday"), schedule("0 2 * * 5#2")},
		},
		{
			kind: "ApiKey", field: "spec.rotation.window.timeZone",
			message: "must be an IANA time zone such as Europe/Berlin or UTC; Local, offsets such as +02:00 and empty names are not",
			accept:  []string{zone("Europe/Berlin"), zone("America/Argentina/Buenos_Aires"), zone("Etc/GMT+3"), zone("UTC")},
			refuse:  []string{zone("Local"), zone("+02:00"), zone("Europe/Berlin "), zone("../etc/passwd")},
		},
		{
			kind: "ApiKey", field: "spec.rotation.window.duration", message: "must be from 5m to 168h",
			accept: []string{length("5m"), length("168h")},
			refuse: []string{length("4m59s"), length("169h")},
		},
		{
			kind: "ApiKey", field: "spec.rotation.window.duration", message: durationMessage,
			accept: []string{length("4h")},
			refuse: []string{length("1d")},
		},
	}
}

func secretCases() []ruleCase {
	label := strings.Repeat("x", 64)
	return []ruleCase{
		{
			kind: "ApiKey", field: "spec.secret.name", message: objectNameMessage,
			accept: []string{"secret: {name: forecast.reader-1}"},
			refuse: []string{"secret: {name: Forecast}", "secret: {name: -a}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.name", message: ledgerNameMessage,
			accept: []string{"secret: {name: forecast-bdk-new}", "secret: {name: forecast-bdk-1-copy}"},
			refuse: []string{"secret: {name: forecast-1a2b3c4d-bdk-1}", "secret: {name: x-bdk-12}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.key", message: secretKeyMessage,
			accept: []string{"secret: {key: BETTERDATA_API_KEY}", "secret: {key: .key}"},
			refuse: []string{"secret: {key: 'api key'}", "secret: {key: ..key}", "secret: {key: .}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.key",
			message: "must not begin with previous-, as the entry does that holds the replaced key during an overlap: choose another name",
			accept:  []string{"secret: {key: previous}"},
			refuse:  []string{"secret: {key: previous-token}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.type", message: "secret.type cannot be changed, as Kubernetes cannot change a Secret's type: create another ApiKey with the new type, move its consumers, then delete this one",
			before: "secret: {type: example.com/api-key}",
			accept: []string{"secret: {type: example.com/api-key, name: renamed}"},
			refuse: []string{"secret: {type: Opaque}", "secret: {name: renamed}", "suspend: true"},
		},
		{
			kind: "ApiKey", field: "spec.secret.type", message: "this type is reserved for the operator or for Kubernetes itself: use Opaque",
			accept: []string{"secret: {type: kubernetes.io/basic-auth}"},
			refuse: []string{"secret: {type: betterdata.co/ledger}", "secret: {type: kubernetes.io/service-account-token}", "secret: {type: bootstrap.kubernetes.io/token}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.labels", message: "labels of betterdata.co are the operator's: choose another prefix",
			accept: []string{"secret: {labels: {app: forecast, example.com/team: a}}"},
			refuse: []string{"secret: {labels: {betterdata.co/apikey-uid: x}}", "secret: {labels: {sub.betterdata.co/x: x}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.labels",
			message: "a label's value has at most 63 letters, digits, hyphens, underscores and dots, and begins and ends with a letter or digit: use annotations for anything else",
			accept:  []string{"secret: {labels: {app: '', tier: A_b.c-9}}"},
			refuse:  []string{"secret: {labels: {app: 'a b'}}", "secret: {labels: {app: -x}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.labels.app", message: "may not be more than 63",
			accept: []string{"secret: {labels: {app: " + label[1:] + "}}"},
			refuse: []string{"secret: {labels: {app: " + label + "}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.annotations", message: "annotations of betterdata.co are the operator's: choose another prefix",
			accept: []string{"secret: {annotations: {example.com/owner: 'Team A, floor 3'}}"},
			refuse: []string{"secret: {annotations: {betterdata.co/sequence: '9'}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.template",
			message: "an entry's name must be a Secret's key: letters, digits, hyphens, underscores and dots, not beginning with two dots",
			accept:  []string{"secret: {template: {.env: 'BETTERDATA_API_KEY={{ .Key }}'}}"},
			refuse:  []string{"secret: {template: {'a/b': x}}", "secret: {template: {..env: x}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.template",
			message: "template must not have an entry named as secret.key (api-key unless set), which holds the key itself: rename the entry or set another secret.key",
			accept:  []string{"secret: {key: token, template: {api-key: x}}"},
			refuse:  []string{"secret: {template: {api-key: x}}", "secret: {key: token, template: {token: x}}"},
		},
		{
			kind: "ApiKey", field: "spec.secret.template",
			message: "template must not have an entry named previous-<secret.key> while publishPrevious holds the old key there: rename the entry",
			accept:  []string{"secret: {template: {previous-api-key: x}}", "secret: {publishPrevious: true, template: {old: x}}"},
			refuse:  []string{"secret: {publishPrevious: true, template: {previous-api-key: x}}"},
		},
	}
}

func connectionCases(kind string) []ruleCase {
	token := func(ref string) string {
		if kind == "ClusterConnection" {
			ref = "namespace: platform, " + ref
		}
		return "tokenSecretRef: {" + ref + "}"
	}
	certificate := "caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"
	return []ruleCase{
		{
			kind: kind, field: "spec.tokenSecretRef", message: "Required value",
			accept: []string{""},
			refuse: []string{"tokenSecretRef: null"},
		},
		{
			kind: kind, field: "spec.tokenSecretRef.name", message: objectNameMessage,
			accept: []string{token("name: betterdata-token")},
			refuse: []string{token("name: Token")},
		},
		{
			kind: kind, field: "spec.tokenSecretRef.key", message: secretKeyMessage,
			accept: []string{token("name: t, key: api-key")},
			refuse: []string{token("name: t, key: 'a b'")},
		},
		{
			kind: kind, field: "spec.baseURL", message: "http:// would send the token unencrypted: use https://, or set allowInsecureHTTP if the network is trusted",
			accept: []string{
				"baseURL: https://app.betterdata.co/api", "baseURL: http://127.0.0.1:8080/api", "baseURL: http://localhost/api", "baseURL: 'http://[::1]:8080'",
				"baseURL: http://sandbox.default.svc/api\nallowInsecureHTTP: true",
			},
			refuse: []string{
				"baseURL: http://app.betterdata.co/api", "baseURL: http://localhost.example.com/api", "baseURL: http://127.0.0.1.example.com/api",
				"baseURL: http://10.0.0.1/api\nallowInsecureHTTP: false",
			},
		},
		{
			kind: kind, field: "spec.baseURL", message: "must be an http:// or https:// address without user, query or fragment, for example https://app.betterdata.co/api",
			accept: []string{"baseURL: https://app.betterdata.co", "baseURL: https://app.betterdata.co:8443/api/"},
			refuse: []string{"baseURL: ftp://app.betterdata.co/api", "baseURL: app.betterdata.co/api", "baseURL: https://me@app.betterdata.co", "baseURL: 'https://app.betterdata.co/api?x=1'", "baseURL: 'https://app.betterdata.co/#x'"},
		},
		{
			kind: kind, field: "spec.caBundle", message: "must be the base64 of PEM certificates, each between BEGIN CERTIFICATE and END CERTIFICATE",
			accept: []string{certificate},
			refuse: []string{"caBundle: bm8gY2VydGlmaWNhdGU="},
		},
		{
			kind: kind, field: "spec.quota", message: "should have at least 1 properties",
			accept: []string{"quota: {requestsPerMinute: 50}", "quota: {requestsPerHour: 500}"},
			refuse: []string{"quota: {}"},
		},
		{
			kind: kind, field: "spec.quota.requestsPerHour", message: "should be greater than or equal to 1",
			accept: []string{"quota: {requestsPerHour: 1}"},
			refuse: []string{"quota: {requestsPerHour: 0}"},
		},
		{
			kind: kind, field: "spec.pollInterval", message: "must be from 10s to 24h",
			accept: []string{"pollInterval: 10s", "pollInterval: 24h"},
			refuse: []string{"pollInterval: 9s", "pollInterval: 25h"},
		},
		{
			kind: kind, field: "spec.pollInterval", message: durationMessage,
			accept: []string{"pollInterval: 5m"},
			refuse: []string{"pollInterval: 5min", "pollInterval: 5 m", "pollInterval: 1d"},
		},
		{
			kind: kind, field: "spec.mintsPerHour", message: "should be greater than or equal to 1",
			accept: []string{"mintsPerHour: 1", "suspendMinting: true"},
			refuse: []string{"mintsPerHour: 0"},
		},
	}
}

func clusterConnectionCases() []ruleCase {
	const kind = "ClusterConnection"
	return []ruleCase{
		{
			kind: kind, field: "spec.allowedNamespaces", message: "Required value",
			accept: []string{""},
			refuse: []string{"allowedNamespaces: null"},
		},
		{
			kind: kind, field: "spec.allowedNamespaces[0]", message: "must be a namespace's name, a beginning followed by * such as team-*, or * for all namespaces",
			accept: []string{"allowedNamespaces: ['*']", "allowedNamespaces: [shop, 'team-*']"},
			refuse: []string{"allowedNamespaces: ['*-prod']", "allowedNamespaces: ['a*b']", "allowedNamespaces: [Shop]", "allowedNamespaces: [shop-]"},
		},
		{
			kind: kind, field: "spec.allowedNamespaces[1]", message: "Duplicate value",
			accept: []string{"allowedNamespaces: [shop, stock]"},
			refuse: []string{"allowedNamespaces: [shop, shop]"},
		},
		{
			kind: kind, field: "spec.allowedScopes[0]", message: scopeMessage,
			accept: []string{"allowedScopes: ['inventory:*']"},
			refuse: []string{"allowedScopes: ['inventory:read, forecast:read']"},
		},
		{
			kind: kind, field: "spec.allowedScopes", message: "should have at least 1 items",
			accept: []string{""},
			refuse: []string{"allowedScopes: []"},
		},
		{
			kind: kind, field: "spec.maxKeys", message: "should be greater than or equal to 0",
			accept: []string{"maxKeys: 0", "maxKeys: 500"},
			refuse: []string{"maxKeys: -1"},
		},
		{
			kind: kind, field: "spec.tokenSecretRef.namespace", message: "must be a namespace's name: lower case letters, digits and hyphens",
			accept: []string{"tokenSecretRef: {namespace: platform, name: t}"},
			refuse: []string{"tokenSecretRef: {namespace: a.b, name: t}"},
		},
		{
			kind: kind, field: "spec.tokenSecretRef.namespace", message: "Required value",
			accept: []string{"tokenSecretRef: {namespace: platform, name: t}"},
			refuse: []string{"tokenSecretRef: {name: t}"},
		},
	}
}
