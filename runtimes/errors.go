package runtimes

import "errors"

// NotFound marks err as saying that something is not in the engine's store.
// The text stays what it was.
func NotFound(err error) error { return notFound{err} }

// IsNotFound tells whether err says that something is not in the store.
func IsNotFound(err error) bool {
	_, ok := errors.AsType[notFound](err)
	return ok
}

type notFound struct{ error }

func (n notFound) Unwrap() error { return n.error }
