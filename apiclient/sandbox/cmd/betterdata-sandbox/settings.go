package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/betterdataco/terraform-provider-betterdata/apiclient/sandbox"
)

// settings are the command line, checked.
type settings struct {
	listen, management string // management is empty when it is off
	store              string
	tokenFile          string
	dialect            sandbox.Dialect
	faults             []sandbox.Fault
	quota              string // as given
	limits             []sandbox.RateLimit
	seed               uint64
	allowRemote        bool
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var err error
	flags := flag.NewFlagSet("betterdata-sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "`address` of the API; port 0 picks a free one")
	flags.StringVar(&s.management, "management-listen", "127.0.0.1:8081", "`address` of the management listener, or off")
	flags.StringVar(&s.store, "store", "", "`file` that keeps keys across restarts (default: memory)")
	flags.StringVar(&s.tokenFile, "session-token-file", "",
		"`file` of the session token: read if it holds one, else written with mode 0600\n(default: <store>.session-token, or a temporary file)")
	dialect := flags.String("dialect", "", "shapes of answers: names and axis=value, comma-separated (default: the vendor's page)")
	faults := flags.String("faults", "", "fault `rules`, for example create:cut-after-commit:times=1,list:502-html:p=0.1")
	flags.StringVar(&s.quota, "rate-limit", "100/1m,1000/1h", "`quota` of each credential, or off")
	flags.Uint64Var(&s.seed, "seed", 0, "makes faults repeatable, and keys guessable; 0: neither")
	flags.BoolVar(&s.allowRemote, "allow-remote", false, "allow listen addresses that other machines can reach")
	if err = flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.dialect, err = sandbox.ParseDialect(*dialect); err != nil {
		return s, err
	}
	if s.faults, err = sandbox.ParseFaults(*faults); err != nil {
		return s, err
	}
	if s.limits, err = sandbox.ParseRateLimits(s.quota); err != nil {
		return s, err
	}
	return s, s.checkAddresses()
}

func (s *settings) checkAddresses() error {
	if s.management == "off" {
		s.management = ""
	}
	for _, address := range []string{s.listen, s.management} {
		if address != "" && !s.allowRemote && !loopback(address) {
			return fmt.Errorf("%s can be reached from other machines: the management listener has no authentication and "+
				"the API serves over plain HTTP; use a loopback address such as 127.0.0.1:8080, or --allow-remote", address)
		}
	}
	return nil
}

// loopback reports that an address is this machine's alone. An empty host means every interface.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
