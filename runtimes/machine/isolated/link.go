package isolated

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// link is the network between the runner and one machine: two addresses, the
// runner's first.
type link struct {
	network netip.Prefix
	host    netip.Addr
	machine netip.Addr
	mtu     int
}

// bench is the block of addresses set aside for benchmarks (RFC 2544), which
// no network in use has.
var bench = netip.MustParsePrefix("198.18.0.0/15")

// newLink returns the nth network of two addresses in the block.
func newLink(n, mtu int) link {
	base := bench.Addr().As4()
	first := binary.BigEndian.Uint32(base[:]) + uint32(n)*4
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], first)
	network := netip.AddrFrom4(a)
	host := network.Next()
	return link{
		network: netip.PrefixFrom(network, 30),
		host:    host, machine: host.Next(), mtu: mtu,
	}
}

// links is how many networks the block has. The last one is the way out's.
const links = 1 << (32 - 15 - 2)

func ipNet(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(30, 32)}
}

// outLink is the network of a machine's device that leads out of the host. Only
// the machine sees it, so that it is the same for all; host is the gateway and
// the name server.
func outLink(mtu int) link { return newLink(links-1, mtu) }
