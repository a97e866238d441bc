package acceptance

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// standIn is a provider in the place of a foreign one. It has the arguments that our examples use, as the foreign
// provider documents them, and remembers what it was given.
type standIn struct {
	name      string
	resources map[string]schema.Schema

	mu    sync.Mutex
	given []string // one configuration after another, write-only values included
}

var _ provider.Provider = (*standIn)(nil)

func (s *standIn) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = s.name
}
func (s *standIn) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (s *standIn) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (s *standIn) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (s *standIn) Resources(context.Context) []func() resource.Resource {
	var all []func() resource.Resource
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		all = append(all, func() resource.Resource { return &standInResource{in: s, name: name} })
	}
	return all
}

func (s *standIn) remember(config tfsdk.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = append(s.given, config.Raw.String())
}

// last is the configuration given last.
func (s *standIn) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given[len(s.given)-1]
}

// serve lets a CLI reach the stand-in in this process, and returns the environment variable that tells it where.
func (s *standIn) serve(t *testing.T) string {
	t.Helper()
	server, err := providerserver.NewProtocol6WithError(s)()
	if err != nil {
		t.Fatal(err)
	}
	reattach, closed := channelFor(tf6server.WithDebug), make(chan struct{})
	go func() {
		_ = tf6server.Serve("registry.terraform.io/hashicorp/"+s.name, func() tfprotov6.ProviderServer { return server },
			tf6server.WithDebug(t.Context(), reattach, closed), tf6server.WithoutLogStderrOverride(),
			tf6server.WithLoggingSink(t)) // into a file, which is searched for keys like all logs
	}()
	t.Cleanup(func() { <-closed })
	at := <-reattach
	config := map[string]any{
		"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.Getpid(), "Test": true,
		"Addr": map[string]string{"Network": at.Addr.Network(), "String": at.Addr.String()},
	}
	encoded, err := json.Marshal(map[string]any{
		"registry.terraform.io/hashicorp/" + s.name: config, "registry.opentofu.org/hashicorp/" + s.name: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	return "TF_REATTACH_PROVIDERS=" + string(encoded)
}

// channelFor makes the channel that a server sends its address to, without naming its type: that would make a
// requirement of Terraform's plugin library ours.
func channelFor[T, Option any](func(context.Context, chan T, chan struct{}) Option) chan T {
	return make(chan T)
}

// standInResource keeps what it is given and forgets what is write-only, as Terraform demands.
type standInResource struct {
	in   *standIn
	name string
}

func (r *standInResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.name
}

func (r *standInResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = r.in.resources[r.name]
	resp.Schema.Attributes["id"] = schema.StringAttribute{
		Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

func (r *standInResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.in.remember(req.Config)
	resp.State.Raw = req.Plan.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), "an-id")...)
}

func (r *standInResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (r *standInResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	r.in.remember(req.Config)
	resp.State.Raw = req.Plan.Raw
}

func (r *standInResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// standIns are made anew for each test, by the example that needs them.
func standIns() map[string]*standIn {
	text, secret := schema.StringAttribute{Required: true}, schema.StringAttribute{Optional: true, WriteOnly: true}
	version := schema.Int64Attribute{Optional: true}
	return map[string]*standIn{
		"modules/kubernetes-secret": {name: "kubernetes", resources: map[string]schema.Schema{"kubernetes_secret_v1": {
			Attributes: map[string]schema.Attribute{
				"data_wo":          schema.MapAttribute{ElementType: types.StringType, Optional: true, WriteOnly: true},
				"data_wo_revision": version,
			},
			Blocks: map[string]schema.Block{"metadata": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{
				Attributes: map[string]schema.Attribute{"name": text, "namespace": text},
			}}},
		}}},
		"modules/vault": {name: "vault", resources: map[string]schema.Schema{"vault_kv_secret_v2": {
			Attributes: map[string]schema.Attribute{"mount": text, "name": text, "data_json_wo": secret, "data_json_wo_version": version},
		}}},
		"modules/aws-secrets-manager": {name: "aws", resources: map[string]schema.Schema{
			"aws_secretsmanager_secret": {Attributes: map[string]schema.Attribute{"name": text}},
			"aws_secretsmanager_secret_version": {
				Attributes: map[string]schema.Attribute{"secret_id": text, "secret_string_wo": secret, "secret_string_wo_version": version},
			},
		}},
	}
}

// TestAccExamplesWithStandIns applies the examples that hand a key to another provider, through a rotation: each key
// arrives, and the state has no second copy of it.
func TestAccExamplesWithStandIns(t *testing.T) {
	t.Parallel()
	for dir, other := range standIns() {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ws := exampleWorkspace(t, w, example{files: []string{dir + "/main.tf"}})
			ws.env = append(ws.env, other.serve(t))
			for range 2 {
				ws.apply()
				issued := w.issued()
				plaintext := issued[len(issued)-1]
				if !strings.Contains(other.last(), plaintext) {
					t.Error("the other provider was not given the newest key")
				}
				if got := strings.Count(string(ws.state()), plaintext); got != 1 {
					t.Errorf("the state has %d copies of the key, want that of betterdata_api_key alone", got)
				}
				ws.must("plan", "-detailed-exitcode", "-no-color")
				w.api.AdvanceClock(2161 * time.Hour)
			}
			if got := w.api.Stats().Rotated; got != 1 {
				t.Errorf("%d rotations, want 1", got)
			}
			ws.destroy()
		})
	}
}
