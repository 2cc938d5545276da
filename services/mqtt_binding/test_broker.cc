#include "services/mqtt_binding/test_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace isthmus::mqtt_binding {
namespace {

constexpr char kMosquitto[] = "/usr/sbin/mosquitto";

[[noreturn]] void Die(const std::string& reason) {
  std::fprintf(stderr, "test broker: %s\n", reason.c_str());
  std::abort();
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

uint16_t FreePort() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("no free port");
  }
  close(descriptor);
  return ntohs(address.sin_port);
}

bool Listens(uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected = connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(descriptor);
  return connected;
}

}  // namespace

TestBroker::TestBroker() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string pattern = absl::StrCat(base != nullptr ? base : "/tmp", "/broker-XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) Die("no directory");
  directory_ = pattern;
  port_ = FreePort();
  std::ofstream configuration(directory_ + "/mosquitto.conf");
  // "user root": started as root it would change its user and could not write here; otherwise it means nothing.
  configuration << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n"
                << "persistence true\npersistence_location " << directory_ << "/\nmax_queued_messages 100000\n"
                << "max_inflight_messages 1000\nlog_dest none\n";
  configuration.close();
  Start();
}

TestBroker::~TestBroker() {
  End(SIGKILL);
  for (const char* file : {"/mosquitto.conf", "/mosquitto.db"}) unlink((directory_ + file).c_str());
  rmdir(directory_.c_str());
}

void TestBroker::Start() {
  const std::string configuration = directory_ + "/mosquitto.conf";
  pid_ = fork();
  if (pid_ < 0) Die("fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // does not outlive a test that crashes
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execl(kMosquitto, kMosquitto, "-c", configuration.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (!Listens(port_)) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) Die(absl::StrCat(kMosquitto, " ended with status ", status));
    if (absl::Now() > end) Die("not listening");
    absl::SleepFor(absl::Milliseconds(10));
  }
}

void TestBroker::Stop() { End(SIGTERM); }

void TestBroker::Kill() { End(SIGKILL); }

void TestBroker::ForgetSessions() { unlink((directory_ + "/mosquitto.db").c_str()); }

void TestBroker::End(int signal) {
  if (pid_ <= 0) return;
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace isthmus::mqtt_binding
