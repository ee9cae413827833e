/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsrc: no ring, no writer, the next writer; and state changes at any of these moments. */
#include "rig.h"

static struct rig rig;

static void a_writer_that_closes_ends_the_stream_if_so_wanted(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "when-gone=eos");
	pull_frames(&rig, 0, 1);
	put_frame(&rig, FALSE, 0, 0);
	video_shm_producer_destroy(&rig.producer);
	pull_frames(&rig, 1, 2); /* what was written is handed out first */
	gst_event_unref(pull_event(&rig, GST_EVENT_EOS));
	CHECK(gst_bus_pop_filtered(rig.bus, GST_MESSAGE_ERROR) == NULL);
	rig_close(&rig);
}

static void a_writer_that_closes_is_an_error_if_so_wanted(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "when-gone=error");
	pull_frames(&rig, 0, 1);
	video_shm_producer_destroy(&rig.producer);
	await_message(&rig, GST_MESSAGE_ERROR, "has closed it");
	rig_close(&rig);
}

static void write_and_die(void *ring)
{
	struct rig writer = {.ring = ring, .meta = {.width = 320, .height = 240}};

	rig_start_writer(&writer);
	put_frame(&writer, TRUE, 0, 0);
	_Exit(0);
}

static void a_writer_that_dies_is_an_error_if_so_wanted(void)
{
	rig_open(&rig);
	video_shm_producer_destroy(&rig.producer);
	child_succeeds(start_child(write_and_die, (void *)(guintptr)rig.ring));
	rig_play(&rig, "when-gone=error");
	pull_frames(&rig, 0, 1);
	await_message(&rig, GST_MESSAGE_ERROR, "died");
	rig_close(&rig);
}

static void the_next_writer_is_waited_for(void)
{
	GstBuffer *buffer;

	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "");
	pull_frames(&rig, 0, 1);
	for (int time = 0; time < 3; time++) {
		video_shm_producer_destroy(&rig.producer);
		rig_start_writer(&rig);
		rig.frame = 0;
		put_frame(&rig, TRUE, 0, 0);
		buffer = pull_frame(&rig, 0);
		CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
		gst_buffer_unref(buffer);
	}
	rig_close(&rig);
}

static void a_ring_that_is_made_later_is_waited_for(void)
{
	rig_open(&rig);
	video_shm_producer_destroy(&rig.producer);
	rig_play(&rig, "start=oldest");
	rig_start_writer(&rig);
	put_frame(&rig, TRUE, 0, 0);
	pull_frames(&rig, 0, 1);
	rig_close(&rig);
}

static void where_nobody_waits_there_has_to_be_a_ring(void)
{
	rig_open(&rig);
	video_shm_producer_destroy(&rig.producer);
	rig_make_source(&rig, "when-gone=eos");
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	await_message(&rig, GST_MESSAGE_ERROR, "There is no ring /vshm_test_");
	rig_close(&rig);
}

static void what_is_no_ring_is_refused_at_once(void)
{
	rig_open(&rig);
	video_shm_producer_destroy(&rig.producer);
	CHECK(g_file_set_contents(shm_path(rig.ring), "no ring", 7, NULL));
	rig_make_source(&rig, "");
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	await_message(&rig, GST_MESSAGE_ERROR, "is no ring");
	rig_close(&rig);
}

static void what_can_be_no_name_of_a_ring_is_refused(void)
{
	rig_open(&rig);
	rig_make_source(&rig, "");
	g_object_set(rig.harness->element, "ring", "a/b", NULL);
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	await_message(&rig, GST_MESSAGE_ERROR, "\"/a/b\" can't be the name of a ring");
	rig_close(&rig);
}

static void silence_ends_with_the_timeout(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "timeout=100000000");
	pull_frames(&rig, 0, 1);
	await_message(&rig, GST_MESSAGE_ERROR, "within the timeout");
	rig_close(&rig);
}

static void a_ring_that_is_never_made_ends_with_the_timeout(void)
{
	rig_open(&rig);
	video_shm_producer_destroy(&rig.producer);
	rig_play(&rig, "timeout=100000000");
	await_message(&rig, GST_MESSAGE_ERROR, "within the timeout");
	rig_close(&rig);
}

/* The watchdog would find a state change that hangs. */
static void states_change_while_it_waits(void)
{
	for (int with_ring = 0; with_ring < 2; with_ring++) {
		rig_open(&rig);
		if (!with_ring)
			video_shm_producer_destroy(&rig.producer);
		rig_play(&rig, "");
		for (int time = 0; time < 20; time++) {
			CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED),
					 GST_STATE_CHANGE_NO_PREROLL);
			CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PLAYING),
					 GST_STATE_CHANGE_SUCCESS);
			if (time % 5 == 0)
				CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_NULL),
						 GST_STATE_CHANGE_SUCCESS);
		}
		rig_close(&rig);
	}
}

static void it_goes_on_after_each_pause(void)
{
	rig_open(&rig);
	rig_play(&rig, "");
	for (guint64 frame = 0; frame < 50; frame++) {
		put_frame(&rig, TRUE, 0, 0);
		pull_frames(&rig, frame, frame + 1);
		CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
		CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
	}
	rig_close(&rig);
}

static void it_goes_on_after_a_flush(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "");
	pull_frames(&rig, 0, 1);
	CHECK(gst_element_send_event(rig.harness->element, gst_event_new_flush_start()));
	CHECK(gst_element_send_event(rig.harness->element, gst_event_new_flush_stop(TRUE)));
	put_frame(&rig, TRUE, 0, 0);
	pull_frames(&rig, 1, 2);
	rig_close(&rig);
}

static void seeking_is_refused(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "");
	pull_frames(&rig, 0, 1);
	CHECK(!gst_element_seek_simple(rig.harness->element, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
	put_frame(&rig, TRUE, 0, 0);
	pull_frames(&rig, 1, 2);
	rig_close(&rig);
}

TEST_MAIN(120, TEST(a_writer_that_closes_ends_the_stream_if_so_wanted),
		  TEST(a_writer_that_closes_is_an_error_if_so_wanted),
		  TEST(a_writer_that_dies_is_an_error_if_so_wanted), TEST(the_next_writer_is_waited_for),
		  TEST(a_ring_that_is_made_later_is_waited_for), TEST(where_nobody_waits_there_has_to_be_a_ring),
		  TEST(what_is_no_ring_is_refused_at_once), TEST(what_can_be_no_name_of_a_ring_is_refused),
		  TEST(silence_ends_with_the_timeout), TEST(a_ring_that_is_never_made_ends_with_the_timeout),
		  TEST(states_change_while_it_waits), TEST(it_goes_on_after_each_pause),
		  TEST(it_goes_on_after_a_flush), TEST(seeking_is_refused))
