#!/bin/sh
kubectl get deployments
