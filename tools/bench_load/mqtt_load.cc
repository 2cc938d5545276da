// Sends oneM2M RETRIEVEs over MQTT with a fixed number in flight and prints how long they took.
//
//   mqtt_load PORT ORIGINATOR CSE WINDOW COUNT TARGET...
#include <mosquitto.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tools/bench_load/latencies.h"

namespace isthmus::bench {
namespace {

struct Run {
  std::string originator, topic, answers;
  std::string mark;  // makes our request identifiers different from those of every other run
  std::vector<std::string> targets;
  int window = 1;
  size_t count = 0, sent = 0;
  long errors = 0;
  bool subscribed = false, done = false;
  std::vector<Instant> begin;
  Instant start, end;
  Latencies latencies;
};

void SendNext(mosquitto* client, Run& run) {
  if (run.sent == run.count) return;
  const size_t number = run.sent++;
  const std::string payload = "{\"op\":2,\"to\":\"" + run.targets[number % run.targets.size()] + "\",\"fr\":\"" +
                              run.originator + "\",\"rqi\":\"" + std::to_string(number) + run.mark +
                              "\",\"rvi\":\"4\"}";
  run.begin[number] = Now();
  mosquitto_publish(client, nullptr, run.topic.c_str(), static_cast<int>(payload.size()), payload.data(), 1, false);
}

void OnMessage(mosquitto* client, void* object, const mosquitto_message* message) {
  Run& run = *static_cast<Run*>(object);
  const std::string payload(static_cast<const char*>(message->payload), static_cast<size_t>(message->payloadlen));
  const size_t place = payload.find("\"rqi\":\"");
  if (place == std::string::npos) return;
  const size_t number = std::strtoul(payload.c_str() + place + 7, nullptr, 10);
  if (payload.compare(place + 7 + std::to_string(number).size(), run.mark.size(), run.mark) != 0) return;
  if (number >= run.count || run.begin[number] == Instant()) return;  // of an earlier run, or a repetition
  run.latencies.Add(Seconds(run.begin[number], Now()));
  run.begin[number] = Instant();
  if (payload.find("\"rsc\":2000") == std::string::npos && run.errors++ == 0) {
    std::fprintf(stderr, "mqtt_load: %.300s\n", payload.c_str());
  }
  if (run.latencies.count() == run.count) {
    run.end = Now();
    run.done = true;
    return;
  }
  SendNext(client, run);
}

int Main(int argc, char** argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: mqtt_load PORT ORIGINATOR CSE WINDOW COUNT TARGET...\n");
    return 2;
  }
  Run run;
  run.originator = argv[2];
  run.window = std::atoi(argv[4]);
  run.count = std::strtoul(argv[5], nullptr, 10);
  run.targets.assign(argv + 6, argv + argc);
  run.topic = "/oneM2M/req/" + run.originator + "/" + argv[3] + "/json";
  run.answers = "/oneM2M/resp/" + run.originator + "/" + argv[3] + "/#";
  run.mark = "-" + std::to_string(getpid()) + "-" + std::to_string(Now().time_since_epoch().count());
  run.begin.resize(run.count);
  run.latencies.Reserve(run.count);

  mosquitto_lib_init();
  mosquitto* client = mosquitto_new(nullptr, true, &run);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 1000);
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, 1000);
  mosquitto_message_callback_set(client, OnMessage);
  mosquitto_subscribe_callback_set(
      client, [](mosquitto*, void* object, int, int, const int*) { static_cast<Run*>(object)->subscribed = true; });
  if (mosquitto_connect(client, "127.0.0.1", std::atoi(argv[1]), 60) != MOSQ_ERR_SUCCESS) {
    std::fprintf(stderr, "mqtt_load: no broker on port %s\n", argv[1]);
    return 1;
  }
  mosquitto_subscribe(client, nullptr, run.answers.c_str(), 1);
  while (!run.subscribed) mosquitto_loop(client, 100, 1);
  run.start = Now();
  for (int i = 0; i < run.window; ++i) SendNext(client, run);
  size_t answered = 0;
  Instant progress = Now();
  while (!run.done) {
    if (mosquitto_loop(client, 100, 1) != MOSQ_ERR_SUCCESS) break;
    if (run.latencies.count() != answered) {
      answered = run.latencies.count();
      progress = Now();
    } else if (Seconds(progress, Now()) > 30) {
      std::fprintf(stderr, "mqtt_load: %zu of %zu answered, then nothing for 30 s\n", answered, run.count);
      run.errors += static_cast<long>(run.count - answered);
      run.end = Now();
      break;
    }
  }
  run.latencies.Print(Seconds(run.start, run.end), run.window, run.errors);
  mosquitto_destroy(client);
  mosquitto_lib_cleanup();
  return run.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace isthmus::bench

int main(int argc, char** argv) { return isthmus::bench::Main(argc, argv); }
