package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"odooban/internal/bounded"
	"odooban/internal/engine"
	"odooban/internal/printable"
)

// What a client may take of the server.
const (
	maxConns   = 16
	maxRequest = 4 << 10 // bytes, of the head and of the body each
	// readWithin is how long a request may take to come, and a connection to be
	// idle; answerWithin is how long the answer may take.
	readWithin   = 5 * time.Second
	answerWithin = time.Minute
)

// Change is something that somebody has asked to be changed.
type Change struct {
	Peer Peer
	// What was asked, such as "ban 203.0.113.7".
	What string
	// Err is why it was not done.
	Err error
}

// Server answers over a socket. It lives as long as the daemon, while Desks,
// one for each configuration, come and go.
type Server struct {
	tell func(Change)

	mu   sync.RWMutex
	desk *Desk // nil while there is none
}

// NewServer makes a server that tells of each change. tell may be called from
// several goroutines.
func NewServer(tell func(Change)) *Server { return &Server{tell: tell} }

// Attend lets the server answer from d, until the function that it returns is
// called; that waits for answers that are being given.
func (s *Server) Attend(d *Desk) (leave func()) {
	s.set(d)
	return func() { s.set(nil) }
}

func (s *Server) set(d *Desk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desk = d
}

// Run answers who comes to the listener, and closes it when ctx ends.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           http.MaxBytesHandler(s.routes(), maxRequest),
		ReadHeaderTimeout: readWithin,
		ReadTimeout:       readWithin,
		IdleTimeout:       readWithin,
		WriteTimeout:      answerWithin,
		MaxHeaderBytes:    maxRequest,
		ConnContext:       withPeer,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(bounded.Listen(listener, maxConns))
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /status", s.answer(func(r *http.Request, d *Desk) (any, error) { return d.Status(r.Context()) }))
	mux.Handle("GET /bans", s.answer(func(r *http.Request, d *Desk) (any, error) { return d.Bans(r.Context()) }))
	mux.Handle("GET /why", s.answer(func(r *http.Request, d *Desk) (any, error) {
		return d.Why(r.Context(), r.URL.Query().Get("addr"))
	}))
	mux.Handle("POST /bans", s.answer(s.ban))
	mux.Handle("POST /reload", s.answer(s.reload))
	mux.Handle("DELETE /bans", s.answer(s.unban))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			w = refusal{w}
		}
		mux.ServeHTTP(w, r)
	})
}

// refusal is the answer to what nobody can ask: as JSON, as all errors are.
type refusal struct{ http.ResponseWriter }

// WriteHeader writes the whole answer.
func (r refusal) WriteHeader(code int) {
	why := strings.ToLower(http.StatusText(code))
	write(r.ResponseWriter, code, failure{why + "; docs/commands.md says what can be asked, and how"})
}

// Write leaves out what is not JSON.
func (r refusal) Write(text []byte) (int, error) { return len(text), nil }

func (s *Server) ban(r *http.Request, d *Desk) (any, error) {
	var order Order
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(&order); err != nil {
		return nil, &wrongError{errors.New(
			`the body is not as it should be; send one like {"prefix":"203.0.113.7","for":"1h"}`)}
	}
	done, err := d.Ban(r.Context(), order)
	s.told(r, "ban "+printable.Text(order.Prefix), err)
	return done, err
}

// reload asks for a reload. What comes of it is in the status that follows: another
// since, or the alarm reload-refused.
func (s *Server) reload(r *http.Request, d *Desk) (any, error) {
	if d.Reload == nil {
		return nil, errors.New("there is no configuration to read again")
	}
	err := d.Reload()
	s.told(r, "reload", err)
	return struct{}{}, err
}

func (s *Server) unban(r *http.Request, d *Desk) (any, error) {
	if r.URL.RawQuery == "" {
		done, err := d.Flush(r.Context())
		s.told(r, "flush", err)
		return done, err
	}
	if !r.URL.Query().Has("prefix") { // it must not end all bans
		return nil, &wrongError{errors.New(
			"the query is not as it should be; write ?prefix=203.0.113.7, or nothing to end all bans")}
	}
	prefix := r.URL.Query().Get("prefix")
	done, err := d.Unban(r.Context(), prefix)
	s.told(r, "unban "+printable.Text(prefix), err)
	return done, err
}

func (s *Server) told(r *http.Request, what string, err error) {
	s.tell(Change{Peer: peerOf(r.Context()), What: what, Err: err})
}

// errStarting says that nothing can be answered yet.
var errStarting = errors.New("odooban is starting, or reading its configuration; try again")

// answer writes what f says as JSON.
func (s *Server) answer(f func(*http.Request, *Desk) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, err := s.ask(r, f)
		if err != nil {
			write(w, statusOf(err), failure{err.Error()})
			return
		}
		write(w, http.StatusOK, said)
	})
}

// ask lets f ask the desk. A client that is slow to read does not keep it.
func (s *Server) ask(r *http.Request, f func(*http.Request, *Desk) (any, error)) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.desk == nil {
		return nil, errStarting
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	return f(r.WithContext(ctx), s.desk)
}

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
}

func statusOf(err error) int {
	if errors.Is(err, errStarting) {
		return http.StatusServiceUnavailable
	}
	if _, ok := errors.AsType[*engine.IgnoredError](err); ok {
		return http.StatusConflict
	}
	if Wrong(err) {
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = encode(w, body) // the client is gone
}

func encode(w io.Writer, body any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(body)
}
