/*
 * The stages of a build as processes. One loop starts those that can begin, watches what
 * runs, and shows what it tells.
 *
 *	WAITING ---> RUNNING ---> DONE
 *	    ^           |
 *	    '-----------'   ONBUILD of its base needs stages that are not done
 *
 * The first failure, or a signal, stops the build: nothing more is started, and what runs
 * is sent SIGTERM, which a stage takes as the builder takes a Ctrl-C: it kills its own
 * worker, throws its draft away and ends. A second signal kills what has not ended.
 */
#include "builder/build/schedule.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/stage.h"
#include "builder/copy/copy.h"

#define EVENTS_AT_ONCE 64

enum phase { PHASE_WAITING, PHASE_RUNNING, PHASE_DONE };

struct job {
	struct build *build;
	struct stage *stage;
	enum phase phase;
	struct worker worker;
	struct worker_process process;
	struct str state; /* what the stage's process says of it in the end */
	int events;       /* our end of its socket */
	int sender;       /* the stage's */
};

struct schedule {
	struct build *build;
	struct job *jobs; /* of all stages, by their index */
	size_t count;
	size_t running;
	bool stopping;
	bool interrupted;
	struct error error; /* why; of several the first */
	struct job *shell;  /* the one that wants the terminal for a shell, or NULL */
	bool shell_open;
	bool has_modes; /* of the terminal before that */
	struct termios modes;
};

static void schedule_free(struct schedule *schedule)
{
	for (size_t i = 0; schedule->jobs && i < schedule->count; i++)
		str_free(&schedule->jobs[i].state);
	free(schedule->jobs);
}

#define auto_schedule __attribute__((cleanup(schedule_free))) struct schedule

/* ---- a stage's process --------------------------------------------------------------- */

/* A fork of the builder, in a session of its own, with the builder's privileges; ends with
 * its stage. Its signals are its own. */
static int stage_main(void *argument, int output, struct error *err)
{
	struct job *job = argument;
	struct build *build = job->build;
	struct stage_process process = {
		.build = build,
		.plan = &build->plan,
		.session = &build->session,
		.pulled = &build->pulled,
		.state = &build->states[job->stage->index],
		.interrupt = INTERRUPT_NONE,
		.progress = { .socket = job->sender,
			.total = stage_count_steps(job->stage) },
		.downloads_fd = -1,
	};
	struct error ignored;
	int result;

	close(job->events);
	interrupt_end(&build->interrupt);
	if (interrupt_begin(&process.interrupt, err) < 0 ||
		copy_digest_cache_open(
			build->store->root_fd, "digests", &process.digests, err) < 0)
		return -1;
	result = stage_build(&process, job->stage, &job->state, err);
	/* The next build reads the context's files again, that is all. */
	(void)!copy_digest_cache_save(process.digests, &ignored);
	cdi_close(&process.cdi);
	return result;
}

/* ---- starting ------------------------------------------------------------------------ */

static void show(struct job *job, enum progress_kind kind, const char *text)
{
	struct progress_event event = {
		.kind = kind,
		.text = text,
		.length = strlen(text),
	};

	view_stage_event(job->build->request->view, job->stage->index, &event);
}

static int start(struct schedule *schedule, struct job *job, struct error *err)
{
	int sockets[2];
	int result;

	if (progress_socket(sockets, err) < 0)
		return -1;
	str_free(&job->state);
	job->events = sockets[0];
	job->sender = sockets[1];
	job->worker = (struct worker){
		.work = stage_main,
		.argument = job,
		.text = &job->state,
		.signal_fd = -1,
	};
	result = worker_start(&job->worker, &job->process, err);
	close(job->sender);
	if (result < 0) {
		close(job->events);
		return -1;
	}
	job->phase = PHASE_RUNNING;
	schedule->running++;
	show(job, PROGRESS_STAGE_BEGIN,
		job->stage->base_name ? job->stage->base_name : "");
	return 0;
}

/* ---- stopping ------------------------------------------------------------------------ */

/* Whoever waits for the terminal waits in vain, too. */
static void ask_to_end(struct schedule *schedule, const struct job *except)
{
	for (size_t i = 0; i < schedule->count; i++) {
		struct job *job = &schedule->jobs[i];

		if (job == except || job->phase != PHASE_RUNNING)
			continue;
		kill(job->process.pid, SIGTERM);
		(void)shutdown(job->events, SHUT_WR); /* fails for one that is gone */
	}
}

static void stop(struct schedule *schedule, const struct error *why)
{
	if (schedule->stopping)
		return;
	schedule->stopping = true;
	schedule->error = *why;
	ask_to_end(schedule, NULL);
}

static void signal_jobs(const struct schedule *schedule, int number)
{
	for (size_t i = 0; i < schedule->count; i++) {
		if (schedule->jobs[i].phase == PHASE_RUNNING)
			kill(schedule->jobs[i].process.pid, number);
	}
}

static void take_signal(struct schedule *schedule)
{
	struct signalfd_siginfo info;

	if (read(schedule->build->interrupt.fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		if (schedule->shell_open)
			signal_jobs(schedule, SIGWINCH);
		return;
	}
	if (schedule->interrupted) {
		signal_jobs(schedule, SIGKILL);
		return;
	}
	schedule->interrupted = schedule->stopping = true;
	error_set_code(&schedule->error, EINTR, "interrupted");
	ask_to_end(schedule, NULL);
}

/* ---- a shell where a step failed ------------------------------------------------------ */

/* The others end first, for the terminal is one. */
static void want_shell(struct schedule *schedule, struct job *job)
{
	if (schedule->stopping)
		return;
	schedule->stopping = true;
	schedule->shell = job;
	ask_to_end(schedule, job);
}

static void open_shell(struct schedule *schedule)
{
	if (!schedule->shell || schedule->shell_open || schedule->interrupted ||
		schedule->running > 1)
		return;
	schedule->shell_open = true;
	schedule->has_modes = tcgetattr(STDIN_FILENO, &schedule->modes) == 0;
	view_hide(schedule->build->request->view);
	progress_give_terminal(schedule->shell->events);
}

/* It may have been killed before it could give the terminal's modes back. */
static void close_shell(struct schedule *schedule)
{
	if (schedule->shell_open && schedule->has_modes)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &schedule->modes);
	schedule->shell = NULL;
	schedule->shell_open = false;
}

/* ---- starting what can begin ---------------------------------------------------------- */

static bool can_start(const struct schedule *schedule, const struct job *job)
{
	if (job->phase != PHASE_WAITING)
		return false;
	for (size_t i = 0; i < job->stage->need_count; i++) {
		if (schedule->jobs[job->stage->needs[i]].phase != PHASE_DONE)
			return false;
	}
	return true;
}

static void start_ready(struct schedule *schedule)
{
	const struct plan *plan = &schedule->build->plan;
	struct error err;

	for (size_t i = 0; i < plan->order_count; i++) {
		struct job *job = &schedule->jobs[plan->order[i]];

		if (schedule->stopping ||
			schedule->running >= schedule->build->request->jobs)
			return;
		if (can_start(schedule, job) && start(schedule, job, &err) < 0)
			stop(schedule, &err);
	}
}

/* ---- watching ------------------------------------------------------------------------ */

/* Some of what has come, for a step may print without end; false: that was all. */
static bool take_events(struct schedule *schedule, struct job *job)
{
	struct view *view = job->build->request->view;
	char buffer[PROGRESS_MESSAGE_MAX];
	struct progress_event event;

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		if (!progress_receive(job->events, &event, buffer))
			return false;
		view_stage_event(view, job->stage->index, &event);
		if (event.kind == PROGRESS_SHELL)
			want_shell(schedule, job);
	}
	return true;
}

/* What a stage's end means for the build: it is done, or waits anew. */
static int settle(struct job *job, struct error *err)
{
	enum stage_outcome outcome;

	if (worker_finish(&job->worker, &job->process, err) < 0 ||
		stage_adopt(job->build, job->stage, &job->state, &outcome, err) < 0)
		return -1;
	if (outcome == STAGE_BUILT)
		job->phase = PHASE_DONE;
	return 0;
}

static void finish(struct schedule *schedule, struct job *job)
{
	struct error err = { 0 };
	int result;

	job->phase = PHASE_WAITING;
	schedule->running--;
	result = settle(job, &err);
	while (take_events(schedule, job))
		;
	close(job->events);
	if (result == 0 && job->phase == PHASE_WAITING)
		return;
	if (job == schedule->shell) {
		close_shell(schedule);
		if (result < 0 && !schedule->interrupted)
			schedule->error = err;
	}
	show(job, result == 0 ? PROGRESS_STAGE_DONE : PROGRESS_STAGE_FAILED, "");
	if (result < 0)
		stop(schedule, &err);
}

static void list_polled(const struct schedule *schedule, struct pollfd *ret)
{
	*ret++ = (struct pollfd){ schedule->build->interrupt.fd, POLLIN, 0 };
	for (size_t i = 0; i < schedule->count; i++) {
		const struct job *job = &schedule->jobs[i];
		bool running = job->phase == PHASE_RUNNING;

		*ret++ = (struct pollfd){ running ? job->events : -1, POLLIN, 0 };
		*ret++ = (struct pollfd){ running ? job->process.report_fd : -1, POLLIN,
			0 };
	}
}

/* Events come before the report: what a stage told is shown before it is over. */
static int watch(struct schedule *schedule, struct pollfd *polled, struct error *err)
{
	struct view *view = schedule->build->request->view;
	int timeout = view_timeout(view);

	list_polled(schedule, polled);
	if (poll(polled, 1 + 2 * schedule->count, timeout) < 0 && errno != EINTR)
		return fail_errno(err, "waiting for the stages");
	if (polled[0].revents)
		take_signal(schedule);
	for (size_t i = 0; i < schedule->count; i++) {
		const struct pollfd *of_job = &polled[1 + 2 * i];

		if (of_job[1].revents)
			finish(schedule, &schedule->jobs[i]);
		else if (of_job[0].revents)
			(void)take_events(schedule, &schedule->jobs[i]); /* more soon */
	}
	open_shell(schedule);
	if (!schedule->shell_open)
		view_tick(view);
	return 0;
}

int schedule_run(struct build *build, struct error *err)
{
	auto_schedule schedule = { .build = build, .count = build->plan.stage_count };
	auto_free struct pollfd *polled =
		str_alloc((1 + 2 * schedule.count) * sizeof(*polled));

	schedule.jobs = str_alloc(schedule.count * sizeof(*schedule.jobs));
	for (size_t i = 0; i < schedule.count; i++)
		schedule.jobs[i] = (struct job){
			.build = build,
			.stage = &build->plan.stages[i],
			.process = WORKER_NONE,
		};
	digest_prepare();
	start_ready(&schedule);
	while (schedule.running > 0) {
		struct error failure;

		if (watch(&schedule, polled, &failure) < 0)
			stop(&schedule, &failure);
		start_ready(&schedule);
	}
	if (schedule.stopping)
		*err = schedule.error;
	return schedule.stopping ? -1 : 0;
}
