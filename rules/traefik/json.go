package traefik

import (
	"time"

	"odooban/rules/record"
	"odooban/rules/route"
	"odooban/watcher/framing"
)

// parseJSON reads an object of fields (logdata.go):
//
//	{"ClientAddr":"203.0.113.50:49152","ClientHost":"203.0.113.50","DownstreamStatus":200,...}
//
// Fields may be missing, where Traefik was told to drop them; method, path, status,
// a time and an address must be there. Text with a backslash is taken as it stands:
// no address, time or path that matters has one.
func parseJSON(q *Request, line []byte) bool {
	q.Sealed = true
	var local, forwarded []byte
	method, path := false, false
	var m framing.Members
	for m.Begin(line); m.Next(); {
		switch string(m.Key) {
		case "ClientAddr":
			q.Peer = text(m.Value)
		case "ClientHost":
			q.Hops = text(m.Value)
		case "request_X-Forwarded-For":
			forwarded = text(m.Value)
		case "RequestMethod":
			method, q.Post = true, isPost(text(m.Value))
		case "RequestPath":
			path, q.Page = true, route.Of(text(m.Value))
		case "DownstreamStatus":
			q.Status = status(m.Value)
		case "OriginStatus":
			q.Origin = status(m.Value)
		case "DownstreamContentSize":
			q.Size, _ = number(m.Value)
		case "Duration":
			q.Took = duration(m.Value)
		case "StartUTC":
			q.Start = parseJSONTime(text(m.Value))
		case "StartLocal":
			local = text(m.Value)
		}
	}
	if q.Start.IsZero() {
		q.Start = parseJSONTime(local)
	}
	if forwarded != nil {
		q.Hops = forwarded
	}
	return m.Ended && method && path && q.Status >= 100 && q.Status <= 599 && !q.Start.IsZero() &&
		(q.Peer != nil || q.Hops != nil)
}

// status reads a status, -1 for anything longer or else.
func status(value []byte) int {
	if len(value) == 0 || len(value) > 3 {
		return -1
	}
	return record.Digits(value)
}

// duration reads nanoseconds, or "612ms" as some log shippers write it; a week at
// most.
func duration(value []byte) time.Duration {
	const longestText = 24
	if n, ok := number(value); ok {
		return min(time.Duration(n), longest)
	}
	if value = text(value); len(value) == 0 || len(value) > longestText {
		return 0
	}
	d, err := time.ParseDuration(string(value))
	if err != nil {
		return 0
	}
	return min(max(d, 0), longest)
}

// parseJSONTime reads RFC 3339 with a fraction, without allocating; it is zero for
// anything else.
func parseJSONTime(b []byte) time.Time {
	const longestTime = 40
	var t time.Time
	if len(b) > longestTime || t.UnmarshalText(b) != nil || t.Year() < 1970 {
		return time.Time{}
	}
	return t.UTC()
}

// text is the content of a JSON string as it stands, nil for another value.
func text(value []byte) []byte {
	if n := len(value); n >= 2 && value[0] == '"' {
		return value[1 : n-1]
	}
	return nil
}
