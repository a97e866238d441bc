package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of all kinds here.
const GroupName = "betterdata.co"

var (
	// SchemeGroupVersion is the group and version of all kinds here. The name is the one that code generators look for.
	SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects what AddToScheme adds.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme makes a scheme know the kinds of this package.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Kinds of this package, as they stand in manifests and in connectionRef.kind.
const (
	KindApiKey            = "ApiKey"
	KindConnection        = "Connection"
	KindClusterConnection = "ClusterConnection"
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&ApiKey{}, &ApiKeyList{},
		&Connection{}, &ConnectionList{},
		&ClusterConnection{}, &ClusterConnectionList{},
	)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
