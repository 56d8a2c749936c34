// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
//
// The dispatch stand-in: what crashes a program on macOS ends it here, with a
// sentence.

#include <dispatch/dispatch.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "death.h"

static void resume_too_often(void)
{
	dispatch_resume(dispatch_queue_create("q", NULL));
}

static void resume_source_too_often(void)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0, NULL);

	dispatch_resume(source);
	dispatch_resume(source);
}

static void release_suspended(void)
{
	dispatch_queue_t queue = dispatch_queue_create("q", NULL);

	dispatch_suspend(queue);
	dispatch_release(queue);
}

static void release_inactive(void)
{
	dispatch_release(
	    dispatch_queue_create("q", DISPATCH_QUEUE_CONCURRENT_INACTIVE));
}

static void release_inactive_source(void)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, NULL);

	dispatch_source_cancel(source);
	dispatch_release(source);
}

static void release_suspended_source(void)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, NULL);

	dispatch_activate(source);
	dispatch_suspend(source);
	dispatch_release(source);
}

static void release_used_semaphore(void)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(1);

	dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER);
	dispatch_release(semaphore);
}

static void leave_unentered(void)
{
	dispatch_group_leave(dispatch_group_create());
}

static void sync_self(void)
{
	dispatch_queue_t queue = dispatch_queue_create("q", NULL);

	dispatch_sync(queue, ^{
		dispatch_sync(queue,
		    ^{
		    });
	});
}

static void sync_target(void)
{
	dispatch_queue_t target = dispatch_queue_create("target", NULL);
	dispatch_queue_t a =
	    dispatch_queue_create_with_target("a", NULL, target);
	dispatch_queue_t b =
	    dispatch_queue_create_with_target("b", NULL, target);

	dispatch_async(a, ^{
		dispatch_sync(b,
		    ^{
		    });
	});
	pause();
}

static void sync_main(void)
{
	dispatch_sync(dispatch_get_main_queue(),
	    ^{
	    });
}

static void barrier_self(void)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("q", DISPATCH_QUEUE_CONCURRENT);

	dispatch_sync(queue, ^{
		dispatch_barrier_sync(queue,
		    ^{
		    });
	});
}

static void once_in_once(void)
{
	static dispatch_once_t once;

	dispatch_once(&once, ^{
		dispatch_once(&once,
		    ^{
		    });
	});
}

static void assert_queue(void)
{
	dispatch_assert_queue(dispatch_queue_create("q", NULL));
}

static void assert_queue_not(void)
{
	dispatch_assert_queue_not(dispatch_get_main_queue());
}

static void retarget_active(void)
{
	dispatch_queue_t queue = dispatch_queue_create_with_target(
	    "q", NULL, DISPATCH_TARGET_QUEUE_DEFAULT);

	dispatch_set_target_queue(queue, dispatch_queue_create("t", NULL));
}

static void timer_on_signal(void)
{
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, 0, NULL);

	dispatch_source_set_timer(source, DISPATCH_TIME_NOW, 1, 0);
}

static void merge_timer(void)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, NULL);

	dispatch_source_merge_data(source, 1);
}

static void *call_main(void *unused)
{
	dispatch_main();
}

static void main_elsewhere(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, call_main, NULL);
	pthread_join(thread, NULL);
}

static const struct death cases[] = {
	{ "dispatch_resume: over-resume of an object (q)", resume_too_often },
	{ "dispatch_resume: over-resume of an object (source of type data-add)",
	    resume_source_too_often },
	{ "release of a suspended object (q)", release_suspended },
	{ "release of an inactive object (q)", release_inactive },
	{ "release of an inactive object (source of type timer)",
	    release_inactive_source },
	{ "release of a suspended object (source of type timer)",
	    release_suspended_source },
	{ "semaphore object deallocated while in use", release_used_semaphore },
	{ "unbalanced call to dispatch_group_leave()", leave_unentered },
	{ "already owned by current thread (q)", sync_self },
	{ "already owned by current thread (target)", sync_target },
	{ "already owned by current thread (com.apple.main-thread)",
	    sync_main },
	{ "called on queue already owned by current thread (q)", barrier_self },
	{ "dispatch_once: trying to lock recursively", once_in_once },
	{ "block was expected to execute on queue [q]", assert_queue },
	{ "block was expected not to execute on queue [com.apple.main-thread]",
	    assert_queue_not },
	{ "cannot change the target of this object", retarget_active },
	{ "attempt to set timer on a non-timer source", timer_on_signal },
	{ "dispatch_source_merge_data: source of type timer", merge_timer },
	{ "dispatch_main() must be called on the main thread", main_elsewhere },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

/* Goal: each misuse aborts, and says what it was. */
static void misuse_aborts_with_the_reason(void **state)
{
	const struct death *death = *state;
	char text[8192];
	int status = death_run(death->name, text, sizeof(text));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
	    strstr(text, death->name) == NULL) {
		print_error("status %#x, text: %s\n", status, text);
		fail();
	}
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[CASES];

	for (size_t i = 0; i < CASES; i++) {
		tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(
		    misuse_aborts_with_the_reason, (void *)&cases[i]);
		tests[i].name = cases[i].name;
	}
	death_main(argc, argv, cases, CASES);
	alarm(120);
	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
