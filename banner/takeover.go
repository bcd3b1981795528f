package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// takeOver moves the bans of other backends, from when they were used, into
// this one: there nobody would lift them, and rules of iptables never end.
func (k *Keeper) takeOver(ctx context.Context, opts Options) {
	for _, r := range ladder() {
		if r.name == k.name {
			continue
		}
		if err := k.takeFrom(ctx, r, opts); err != nil {
			k.notes = append(k.notes, fmt.Errorf("take over the bans of %s: %w", r.name, err))
		}
	}
}

func (k *Keeper) takeFrom(ctx context.Context, r rung, opts Options) error {
	if there, err := r.inspect(opts); there == nil || err != nil {
		return nil //nolint:nilerr // a backend that cannot be had here holds no bans
	}
	old, err := r.make(opts)
	if err != nil {
		return err
	}
	bans, err := old.List(ctx)
	if err == nil {
		k.mu.Lock()
		k.learn(bans)
		k.mu.Unlock()
		err = k.Block(ctx, bans)
	}
	if err == nil {
		if err = old.Remove(ctx); len(bans) == 0 {
			err = nil // what is left there harms nobody
		}
	}
	if err == nil {
		return old.Close()
	}
	k.left = append(k.left, old)
	return err
}

// unblockLeft ends bans in the backends that still have some.
func (k *Keeper) unblockLeft(ctx context.Context, prefixes []netip.Prefix) (failed error) {
	for _, old := range k.left {
		if err := old.Unblock(ctx, prefixes); !errors.Is(err, syscall.ENOENT) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// removeLeft takes away what backends that still have bans have. What is left there
// without a ban harms nobody.
func (k *Keeper) removeLeft(ctx context.Context) (failed error) {
	k.left = slices.DeleteFunc(k.left, func(old backend) bool {
		err := old.Remove(ctx)
		if bans, unknown := old.List(ctx); unknown == nil && len(bans) == 0 {
			err = nil
		}
		failed = errors.Join(failed, err)
		return err == nil && old.Close() == nil
	})
	return failed
}
