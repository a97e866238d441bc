package apikey

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Inbox is a source of ApiKeys to look at, for whoever finds out that something upstream has changed. Its entries come
// after those of people's edits, so that a poll that enqueues thousands holds nobody up.
type Inbox struct {
	mu      sync.Mutex
	queue   workqueue.TypedRateLimitingInterface[reconcile.Request]
	waiting map[reconcile.Request]struct{} // pushed before the start
}

var _ source.Source = &Inbox{}

// NewInbox makes an empty Inbox.
func NewInbox() *Inbox { return &Inbox{waiting: map[reconcile.Request]struct{}{}} }

// Push asks for the ApiKeys to be looked at soon. It never blocks, and may be called before the controller starts.
func (i *Inbox) Push(refs ...Ref) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, ref := range refs {
		if request := requestFor(ref); i.queue == nil {
			i.waiting[request] = struct{}{}
		} else {
			enqueue(i.queue, request)
		}
	}
}

// Start implements source.Source.
func (i *Inbox) Start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.queue = queue
	for request := range i.waiting {
		enqueue(queue, request)
	}
	clear(i.waiting)
	return nil
}

func enqueue(queue workqueue.TypedRateLimitingInterface[reconcile.Request], request reconcile.Request) {
	prioritized, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request])
	if !ok {
		queue.Add(request)
		return
	}
	low := handler.LowPriority
	prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: &low}, request)
}

func requestFor(ref Ref) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}}
}
