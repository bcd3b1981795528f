// Package systemdtest installs odooban's packages on a real Debian and lets its
// systemd run the service: what the packages do, what the service may and may
// not, and what systemd does when it ends or hangs.
//
// The machine is a container of an engine that belongs to the test alone, made of
// what debootstrap has fetched, which is kept in the user's cache. It has the
// network of a throwaway network namespace, with clients around it.
package systemdtest
