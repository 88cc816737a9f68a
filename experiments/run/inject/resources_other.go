//go:build !linux

package inject

import "errors"

var errNotLinux = errors.New("isolated machines need Linux")

func (i *Injector) balloon() (string, error)        { return "", errNotLinux }
func (i *Injector) fillDisk() (string, error)       { return "", errNotLinux }
func (i *Injector) exhaustInotify() (string, error) { return "", errNotLinux }
