package isolated

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// link is the network between the runner and one machine.
type link struct {
	network netip.Prefix
	host    netip.Addr
	machine netip.Addr
	mtu     int
}

// bench is the address block reserved for benchmarks (RFC 2544), which no real network
// uses.
var bench = netip.MustParsePrefix("198.18.0.0/15")

// newLink returns the nth network of the block. Its first address is the runner's.
func newLink(n, mtu int) link {
	first := bench.Addr().As4()
	binary.BigEndian.PutUint32(first[:], binary.BigEndian.Uint32(first[:])+uint32(n)*4)
	network := netip.AddrFrom4(first)
	host := network.Next()
	return link{network: netip.PrefixFrom(network, 30), host: host, machine: host.Next(), mtu: mtu}
}

// links is how many networks the block contains. The last one is the way out's.
const links = 1 << (32 - 15 - 2)

// outLink is the network of the device that leads out of a machine. Only the machine sees
// it, so it is the same for all; host is the gateway and the name server.
func outLink(mtu int) link { return newLink(links-1, mtu) }

// reservation reserves a link's addresses on this host by listening at a name that only
// one process can have. The name vanishes with the process.
type reservation struct {
	link
	name net.Listener
}

// reserveLink picks a network that neither the host nor another run uses.
func reserveLink() (*reservation, error) {
	taken, mtu, err := routes()
	if err != nil {
		return nil, err
	}
	for n := range links - 1 {
		l := newLink(n, mtu)
		if slices.ContainsFunc(taken, l.network.Overlaps) {
			continue
		}
		name, err := net.Listen("unix", "@stratbench/link/"+l.network.Addr().String())
		if err == nil {
			return &reservation{l, name}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("reserving the network %s: %w", l.network, err)
		}
	}
	return nil, fmt.Errorf("reserving a network for a machine: all of %s is in use on this host; remove the routes to it", bench)
}

// routes returns the destinations of the host's routes inside the block, and the MTU of
// its uplink.
func routes() (taken []netip.Prefix, mtu int, err error) {
	mtu = 1500
	all, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, 0, fmt.Errorf("listing the host's routes: %w", err)
	}
	for _, r := range all {
		p, ok := prefix(r.Dst)
		switch {
		case !ok || p.Bits() == 0:
			if up, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
				mtu = up.Attrs().MTU
			}
		case p.Overlaps(bench):
			taken = append(taken, p)
		}
	}
	return taken, mtu, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP.To4())
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(a, bits), ok
}

// linkName names the host's end of a machine's link. It is short because the kernel
// accepts 15 letters.
func linkName(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	return "sb" + strconv.FormatUint(uint64(h.Sum32()), 36)
}

// connect makes the link to the machine's network namespace. The far end is created in the
// namespace, so both ends vanish with it.
func (r *reservation) connect(id string, ns int) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = linkName(id), r.mtu
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerNamespace: netlink.NsFd(ns), PeerMTU: uint32(r.mtu)}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("making the network link %s: %w", attrs.Name, err)
	}
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE) // not every kernel has the other protocols
	if err != nil {
		return fmt.Errorf("configuring the network link %s: %w", attrs.Name, err)
	}
	defer h.Close()
	if err := bringUp(h, attrs.Name, r.host); err != nil {
		return err
	}
	inside, err := netlink.NewHandleAt(netns.NsHandle(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("reaching the machine's network: %w", err)
	}
	defer inside.Close()
	if err := bringUp(inside, "lo", netip.Addr{}); err != nil {
		return err
	}
	return bringUp(inside, "eth0", r.machine)
}

func bringUp(h *netlink.Handle, name string, addr netip.Addr) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("finding the network link %s: %w", name, err)
	}
	if addr.IsValid() {
		if err := h.AddrAdd(l, &netlink.Addr{IPNet: &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(30, 32)}}); err != nil {
			return fmt.Errorf("giving the network link %s the address %s: %w", name, addr, err)
		}
	}
	if err := h.LinkSetUp(l); err != nil {
		return fmt.Errorf("bringing the network link %s up: %w", name, err)
	}
	return nil
}

// cut removes the link at once, because the kernel takes its time, and releases the
// addresses.
func (r *reservation) cut(id string) error {
	defer r.name.Close()
	l, err := netlink.LinkByName(linkName(id))
	var gone netlink.LinkNotFoundError
	if errors.As(err, &gone) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(l)
	}
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the network link %s: %w", linkName(id), err)
	}
	return nil
}
