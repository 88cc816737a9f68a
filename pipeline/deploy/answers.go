package deploy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// askEvery is how often a URL is asked. Nothing announces that a service answers, so
// this is how exactly the moment is known.
const askEvery = 20 * time.Millisecond

// Answers waits until every URL answers 2xx.
func Answers(ctx context.Context, urls []string, see Observer) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, url := range urls {
		group.Go(func() error { return answers(ctx, url, see) })
	}
	return group.Wait()
}

func answers(ctx context.Context, url string, see Observer) error {
	last := ""
	for {
		err := get(ctx, url)
		if err == nil {
			see.Log(url + " answers")
			return nil
		}
		if text := err.Error(); text != last && ctx.Err() == nil {
			see.Log("waiting: " + text)
			last = text
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %s (%w)", last, context.Cause(ctx))
		case <-time.After(askEvery):
		}
	}
}

// client gives up connecting early: if the first packet is lost, the kernel sends it
// again only after a second.
var client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true,
	DialContext:       (&net.Dialer{Timeout: 200 * time.Millisecond}).DialContext,
}}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
