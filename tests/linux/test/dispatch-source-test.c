// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c
//
// The dispatch stand-in: sources as such, timers, data.

#include "dispatch-fixture.h"

#define SECOND ((int64_t)NSEC_PER_SEC)

/* Goal: a timer fires once when it is due. */
static void a_timer_fires_once_when_it_is_due(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
	    dispatch_time(DISPATCH_TIME_NOW, SECOND), DISPATCH_TIME_FOREVER, 0);
	dispatch_activate(heard->source);
	standin_clock_advance(NSEC_PER_SEC - 1);
	dispatch_sync(heard->queue,
	    ^{
	    });
	assert_int_equal(heard->events, 0);
	standin_clock_advance(1);
	wait_for(heard->event);
	standin_clock_advance(1000 * NSEC_PER_SEC);
	dispatch_sync(heard->queue,
	    ^{
	    });
	assert_int_equal(heard->events, 1);
	assert_int_equal(heard->data, 1);
	heard_destroy(heard);
}

/* Goal: a repeating timer reports how often it was due; when it is set again,
 * it starts at 0. */
static void a_repeating_timer_reports_how_often_it_was_due(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
	    dispatch_time(DISPATCH_TIME_NOW, SECOND), NSEC_PER_SEC, 0);
	dispatch_resume(heard->source);
	standin_clock_advance(NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	standin_clock_advance(3 * NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 3);
	dispatch_suspend(heard->source);
	standin_clock_advance(5 * NSEC_PER_SEC);
	dispatch_source_set_timer(heard->source,
	    dispatch_time(DISPATCH_TIME_NOW, 2 * SECOND), NSEC_PER_SEC, 0);
	dispatch_resume(heard->source);
	standin_clock_advance(2 * NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	heard_destroy(heard);
}

/* Goal: an event that waits for the queue when the source goes is not seen. */
static void a_queued_event_of_a_cancelled_source_is_not_seen(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	dispatch_semaphore_t fired = dispatch_semaphore_create(0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
	    dispatch_time(DISPATCH_TIME_NOW, 1), DISPATCH_TIME_FOREVER, 0);
	dispatch_activate(heard->source);
	dispatch_async(heard->queue, ^{
		wait_for(gate);
	});
	/* Set after the source's, due with it: when this ran, that is queued.
	 */
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, 2),
	    dispatch_get_global_queue(0, 0), ^{
		    dispatch_semaphore_signal(fired);
	    });
	standin_clock_advance(2);
	wait_for(fired);
	dispatch_source_cancel(heard->source);
	dispatch_semaphore_signal(gate);
	wait_for(heard->cancel);
	assert_int_equal(heard->events, 0);
	dispatch_semaphore_signal(heard->cancel);
	heard_destroy(heard);
	dispatch_release(gate);
	dispatch_release(fired);
}

static void source_ended(void *context)
{
	dispatch_semaphore_signal(context);
}

/*
 * Goal: a timer may be cancelled and released while its handler is queued; it
 * lives until the queue has seen the last of it.
 */
static void a_source_lives_until_its_queued_handler_has_run(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("busy", NULL);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	dispatch_semaphore_t ended = dispatch_semaphore_create(0);
	dispatch_source_t timer =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, queue);
	__block int events = 0;
	__block int cancels = 0;

	dispatch_set_context(timer, ended);
	dispatch_set_finalizer_f(timer, source_ended);
	dispatch_source_set_event_handler(timer, ^{
		events++;
		dispatch_semaphore_signal(gate);
		dispatch_source_cancel(timer);
		dispatch_release(timer);
	});
	dispatch_source_set_cancel_handler(timer, ^{
		cancels++;
	});
	dispatch_source_set_timer(timer, DISPATCH_TIME_NOW, 1, 0);
	dispatch_activate(timer);
	wait_for(gate);
	wait_for(ended);
	assert_int_equal(events, 1);
	assert_int_equal(cancels, 1);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
	dispatch_release(gate);
	dispatch_release(ended);
}

/* Goal: a source released without cancel goes quietly, queued event and all. */
static void a_source_that_is_released_without_cancel_is_silent(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("busy", NULL);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0, queue);
	__block int events = 0;

	dispatch_source_set_event_handler(source, ^{
		events++;
	});
	dispatch_source_set_cancel_handler(source, ^{
		events = 100;
	});
	dispatch_activate(source);
	dispatch_async(queue, ^{
		wait_for(gate);
	});
	dispatch_source_merge_data(source, 1);
	dispatch_release(source);
	dispatch_semaphore_signal(gate);
	dispatch_sync(queue,
	    ^{
	    });
	assert_in_range(events, 0, 1);
	dispatch_release(queue);
	dispatch_release(gate);
}

/* Goal: data adds up while the source is suspended, and comes as one event. */
static void data_adds_up_while_the_source_is_suspended(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0);

	dispatch_source_merge_data(heard->source, 1);
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	dispatch_suspend(heard->source);
	dispatch_source_merge_data(heard->source, 2);
	dispatch_source_merge_data(heard->source, 3);
	dispatch_resume(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 5);
	assert_int_equal(heard->events, 2);
	heard_destroy(heard);
}

/* Goal: bits are collected. */
static void bits_are_collected(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_OR, 0, 0);

	dispatch_source_merge_data(heard->source, 1);
	dispatch_source_merge_data(heard->source, 5);
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 5);
	heard_destroy(heard);
}

/* Goal: the registration handler runs once, before events, on the queue. */
static void the_registration_handler_runs_once_before_events(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0);
	__block int events = -1;

	dispatch_source_set_registration_handler(heard->source, ^{
		dispatch_assert_queue(heard->queue);
		events = heard->events;
		dispatch_source_merge_data(heard->source, 1);
	});
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(events, 0);
	heard_destroy(heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    a_timer_fires_once_when_it_is_due, all_gone),
		cmocka_unit_test_teardown(
		    a_repeating_timer_reports_how_often_it_was_due, all_gone),
		cmocka_unit_test_teardown(
		    a_queued_event_of_a_cancelled_source_is_not_seen, all_gone),
		cmocka_unit_test_teardown(
		    a_source_that_is_released_without_cancel_is_silent,
		    all_gone),
		cmocka_unit_test_teardown(
		    a_source_lives_until_its_queued_handler_has_run, all_gone),
		cmocka_unit_test_teardown(
		    data_adds_up_while_the_source_is_suspended, all_gone),
		cmocka_unit_test_teardown(bits_are_collected, all_gone),
		cmocka_unit_test_teardown(
		    the_registration_handler_runs_once_before_events, all_gone),
	};

	alarm(120);
	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
