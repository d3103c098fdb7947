"""The replicated log in etcd, over gRPC in native threads. Only this package knows grpc."""
