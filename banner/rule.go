package banner

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-iptables/iptables"
)

// The rules stand first in raw PREROUTING: there they cover the host's own
// ports and those that Docker publishes, see the published port, stop
// established connections too, and survive a flush of the filter table.
const (
	ruleTable = "raw"
	ruleChain = "PREROUTING"
	// ruleComment is how rules of ours are known again.
	ruleComment = "odooban"
	// patience is how many seconds iptables may wait for its lock.
	patience = 5
	// maxPorts is how many ports one multiport match takes.
	maxPorts = 15
)

// rules look at what comes to the ports and drop it, or send it to a chain.
type rules struct {
	proto iptables.Protocol
	// path is the iptables command; empty for the one in PATH.
	path string
	// names is the set or chain that the rules name. By that they are told from those
	// of another backend, from which bans are to be taken over first.
	names string
	// specs are the rules, in their order, as iptables wants them.
	specs [][]string
}

// dropRules drop what comes from the members of a set to the ports; no ports means
// all of every protocol.
func dropRules(proto iptables.Protocol, path, set string, ports []uint16) rules {
	return newRules(rules{proto: proto, path: path, names: set}, ports, "DROP", "-m", "set", "--match-set", set, "src")
}

// jumpRules send what comes to the ports to a chain.
func jumpRules(proto iptables.Protocol, path, chain string, ports []uint16) rules {
	return newRules(rules{proto: proto, path: path, names: chain}, ports, chain)
}

func newRules(r rules, ports []uint16, target string, match ...string) rules {
	match = append(match, "-m", "comment", "--comment", ruleComment, "-j", target)
	if len(ports) == 0 {
		r.specs = [][]string{match}
		return r
	}
	ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	for some := range slices.Chunk(ports, maxPorts) {
		// UDP too, for HTTP/3.
		for _, protocol := range []string{"tcp", "udp"} {
			head := []string{"-p", protocol, "-m", "multiport", "--dports", joinPorts(some)}
			r.specs = append(r.specs, append(head, match...))
		}
	}
	return r
}

func joinPorts(ports []uint16) string {
	var words []string
	for _, p := range ports {
		words = append(words, strconv.Itoa(int(p)))
	}
	return strings.Join(words, ",")
}

// repair ensures the rules and adds to found what was wrong with them.
func (r rules) repair(ctx context.Context, ipt *iptables.IPTables, found []string) ([]string, error) {
	changed, err := r.ensure(ctx, ipt)
	if changed {
		found = append(found, fmt.Sprintf("rules of %s were missing or not first in %s %s", r.family(), ruleTable, ruleChain))
	}
	return found, err
}

func (r rules) family() string {
	if r.proto == iptables.ProtocolIPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// ensure puts the rules first in the chain and takes old ones of ours away,
// in this order, so that there is no moment without a rule.
func (r rules) ensure(ctx context.Context, ipt *iptables.IPTables) (changed bool, err error) {
	if ok, err := r.inPlace(ipt); ok || err != nil {
		return false, err
	}
	for i, spec := range r.specs {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := ipt.Insert(ruleTable, ruleChain, i+1, spec...); err != nil {
			return false, ruleError("insert rule", err)
		}
	}
	if err := r.deleteAfter(ctx, ipt, len(r.specs)); err != nil {
		return false, err
	}
	ok, err := r.inPlace(ipt)
	if err == nil && !ok {
		err = fmt.Errorf("insert rule first in %s %s: it does not stay there; "+
			"look with iptables-save for the program that changes this chain", ruleTable, ruleChain)
	}
	return true, err
}

// remove takes all rules of ours away.
func (r rules) remove(ctx context.Context) error {
	ipt, err := r.open()
	if err != nil {
		return err
	}
	return r.deleteAfter(ctx, ipt, 0)
}

// open finds the iptables command. Waiting for its lock ends after a while: the
// library would wait for ever.
func (r rules) open() (*iptables.IPTables, error) { return r.openFor(patience) }

// openBefore is open for a caller who does not wait for longer than ctx does.
func (r rules) openBefore(ctx context.Context) (*iptables.IPTables, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wait := patience
	if end, ok := ctx.Deadline(); ok {
		// 0 would be for ever.
		wait = max(1, min(patience, int(time.Until(end)/time.Second)))
	}
	return r.openFor(wait)
}

// openFor finds the iptables command, which waits for its lock for so many
// seconds.
func (r rules) openFor(wait int) (*iptables.IPTables, error) {
	ipt, err := iptables.New(iptables.IPFamily(r.proto), iptables.Path(r.path), iptables.Timeout(wait))
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("find iptables: %w; apt install iptables", err)
	}
	if err != nil {
		return nil, fmt.Errorf("find iptables: %w", err)
	}
	return ipt, nil
}

// inPlace says whether exactly our rules are the first of the chain. It leaves
// the comparison of rules to iptables, whose variants print them differently.
func (r rules) inPlace(ipt *iptables.IPTables) (bool, error) {
	own, err := r.own(ipt)
	if err != nil || len(own) != len(r.specs) || own[len(own)-1] != len(own) {
		return false, err
	}
	for _, spec := range r.specs {
		if ok, err := ipt.Exists(ruleTable, ruleChain, spec...); !ok || err != nil {
			return false, ruleError("check rule", err)
		}
	}
	return true, nil
}

// deleteAfter deletes the rules of ours that stand after the first keep rules
// of the chain. It looks again before each: a number says which rule is meant
// only as long as nobody else changes the chain.
func (r rules) deleteAfter(ctx context.Context, ipt *iptables.IPTables, keep int) error {
	for {
		own, err := r.own(ipt)
		if err != nil {
			return err
		}
		if len(own) == 0 || own[len(own)-1] <= keep {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := ipt.DeleteById(ruleTable, ruleChain, own[len(own)-1]); err != nil {
			return ruleError("delete rule", err)
		}
	}
}

// own returns the numbers of our rules in the chain, from 1.
func (r rules) own(ipt *iptables.IPTables) ([]int, error) {
	lines, err := ipt.List(ruleTable, ruleChain)
	if err != nil {
		return nil, ruleError("list rules", err)
	}
	var own []int
	number := 0
	for _, line := range lines {
		if !strings.HasPrefix(line, "-A ") {
			continue
		}
		number++
		if r.isOwn(line) {
			own = append(own, number)
		}
	}
	return own, nil
}

// dropped returns how many packets the rules of ours have matched since they
// were inserted.
func (r rules) dropped(ctx context.Context) (sum uint64, err error) {
	ipt, err := r.openBefore(ctx)
	if err != nil {
		return 0, err
	}
	lines, err := ipt.ListWithCounters(ruleTable, ruleChain)
	if err != nil {
		return 0, ruleError("list rules", err)
	}
	for _, line := range lines {
		if !r.isOwn(line) {
			continue
		}
		_, n, err := cutCounters(line)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// cutCounters takes the counters out of a rule as iptables -v -S prints it, and
// returns its number of packets.
func cutCounters(line string) (rule string, packets uint64, err error) {
	words := strings.Fields(line)
	i := slices.Index(words, "-c")
	if i < 0 || i+2 >= len(words) {
		return line, 0, fmt.Errorf("read counters of rule %q: there are none", line)
	}
	if packets, err = strconv.ParseUint(words[i+1], 10, 64); err != nil {
		return line, 0, fmt.Errorf("read counters of rule %q: %w", line, err)
	}
	return strings.Join(slices.Delete(words, i, i+3), " "), packets, nil
}

// isOwn knows a rule of ours by its comment and what it names.
func (r rules) isOwn(line string) bool {
	words := strings.Fields(line)
	return hasOption(words, "--comment", ruleComment) &&
		(hasOption(words, "--match-set", r.names) || hasOption(words, "-j", r.names))
}

// hasOption says whether the words of a rule have the option with this value, which
// old versions quote if it is a comment.
func hasOption(words []string, option, value string) bool {
	i := slices.Index(words, option)
	return i >= 0 && i+1 < len(words) && (words[i+1] == value || words[i+1] == strconv.Quote(value))
}
