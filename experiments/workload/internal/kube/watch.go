package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The server ends a watch after this time. A connection that died unnoticed is
// given up a little later.
const (
	watchTime  = 4 * time.Minute
	watchGrace = 30 * time.Second
)

type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

type serverStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Watch calls changed for every change after version until the server ends
// the watch, and returns the version to go on from.
func (c *Client) Watch(ctx context.Context, namespace, selector, version string, changed func(name string)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTime+watchGrace)
	defer cancel()
	query := url.Values{
		"watch":               {"true"},
		"labelSelector":       {selector},
		"resourceVersion":     {version},
		"allowWatchBookmarks": {"true"},
		"timeoutSeconds":      {strconv.Itoa(int(watchTime.Seconds()))},
	}
	response, err := c.send(ctx, http.MethodGet, path(namespace, "")+"?"+query.Encode(), nil)
	if err != nil {
		return version, err
	}
	defer response.Body.Close()
	return follow(response.Body, version, changed)
}

func follow(stream io.Reader, version string, changed func(name string)) (string, error) {
	decoder := json.NewDecoder(stream)
	for {
		var next event
		if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
			return version, nil
		} else if err != nil {
			return version, fmt.Errorf("read watch: %w", err)
		}
		if next.Type == "ERROR" {
			return version, watchError(next.Object)
		}
		var object ConfigMap
		if err := json.Unmarshal(next.Object, &object); err != nil {
			return version, fmt.Errorf("read watch: %w", err)
		}
		version = object.Meta.ResourceVersion
		if next.Type != "BOOKMARK" {
			changed(object.Meta.Name)
		}
	}
}

func watchError(raw json.RawMessage) error {
	var status serverStatus
	if err := json.Unmarshal(raw, &status); err != nil {
		return fmt.Errorf("read watch error: %w", err)
	}
	if status.Code == http.StatusGone {
		return fmt.Errorf("%w: %s", ErrGone, status.Message)
	}
	return fmt.Errorf("watch: %s (%d)", status.Message, status.Code)
}
