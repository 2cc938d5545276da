// The whole connector on loopback: a device on UDP on one side, an IN-CSE on gRPC on the other.
#include "services/connector/connector.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "isthmus/connector/v1/connector.grpc.pb.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/udp/udp_transport.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/session/grpc_stream.h"
#include "services/lib/session/session.h"
#include "services/lib/session/worker.h"
#include "services/lib/sqlite/fresh_path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::connector {
namespace {

// What several threads tell, and a test waits for.
class Heard {
 public:
  void Add(std::string text) {
    std::lock_guard<std::mutex> lock(mutex_);
    all_.push_back(std::move(text));
    changed_.notify_all();
  }
  bool WaitFor(const std::string& text, size_t times = 1) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return static_cast<size_t>(std::count(all_.begin(), all_.end(), text)) >= times; });
  }
  std::vector<std::string> all() {
    std::lock_guard<std::mutex> lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

class Device {
 public:
  Device(std::string name, uint16_t server_port, const Clock* clock)
      : name_(std::move(name)), server_(absl::StrCat("127.0.0.1:", server_port)) {
    coap::UdpLoopOptions options;
    options.host = "127.0.0.1";
    loop_ = *coap::UdpLoop::Open(options, clock);
    loop_->endpoint().SetRequestHandler([this](coap::IncomingRequest request, const coap::Responder& respond) {
      const std::string path = absl::StrCat("/", absl::StrJoin(request.message.TextOptions(coap::kUriPath), "/"));
      coap::Message options;
      options.AddUintOption(coap::kContentFormat, 0);
      if (request.message.UintOption(coap::kObserve) == 0u) {
        token_ = request.message.token;
        options.AddUintOption(coap::kObserve, 1);
      }
      if (path == "/3/0/99") {
        if (asked_in_vain_ != nullptr) asked_in_vain_();
        return;  // acknowledged, never answered
      }
      if (request.message.code == coap::kGet && path == "/3/0/9") return respond({205, options.options, "80"});
      respond({request.message.code == coap::kGet ? coap::kNotFound : coap::kChanged, {}, ""});
    });
    loop_->Start();
  }
  ~Device() { loop_->Stop(); }

  void Register(Heard* heard) {
    loop_->Post([this, heard] {
      coap::OutgoingRequest request;
      request.method = coap::kPost;
      request.path = {"rd"};
      request.query = {"lt=60", "lwm2m=1.1", "ep=" + name_};
      request.content_format = 40;
      request.payload = "</1/0>,</3/0>";
      loop_->endpoint().Send(server_, std::move(request), [heard](const coap::Exchange& exchange) {
        heard->Add(absl::StrCat("answer ", exchange.message.code));
      });
    });
  }
  // Called when it is asked for /3/0/99.
  void OnAskedInVain(std::function<void()> called) { asked_in_vain_ = std::move(called); }
  void Notify(const std::string& text, Heard* heard) {
    loop_->Post([this, text, heard] {
      coap::Message options;
      options.AddUintOption(coap::kContentFormat, 0);
      loop_->endpoint().Notify(server_, token_, {205, options.options, text}, ++sequence_, true,
                               [text, heard](const coap::Exchange& exchange) {
                                 if (exchange.outcome == coap::Exchange::Outcome::kAnswered) {
                                   heard->Add("acknowledged " + text);
                                 }
                               });
    });
  }

 private:
  const std::string name_;
  const std::string server_;
  std::string token_;
  uint32_t sequence_ = 10;
  std::function<void()> asked_in_vain_;
  std::unique_ptr<coap::UdpLoop> loop_;
};

class ConnectorTest : public testing::Test {
 protected:
  void StartConnector(const std::string& store_path, uint16_t coap_port = 0) {
    ConnectorOptions options;
    options.name = "c1";
    options.store_path = store_path;
    options.coap.host = "127.0.0.1";
    options.coap.port = coap_port;
    options.server.lines.settle = absl::Milliseconds(5);
    options.server.observer.refresh_spread = absl::Milliseconds(1);
    auto opened = Connector::Open(options, &clock_);
    ASSERT_THAT(opened, status::IsOk());
    connector_ = *std::move(opened);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &grpc_port_);
    for (grpc::Service* service : connector_->services()) builder.RegisterService(service);
    connector_->Start();
    grpc_server_ = builder.BuildAndStart();
    ASSERT_NE(grpc_server_, nullptr);
  }
  void StopConnector() {
    connector_->Drain(absl::Seconds(2));
    grpc_server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    grpc_server_->Wait();
    grpc_server_.reset();
    connector_.reset();
  }
  std::shared_ptr<grpc::Channel> Channel() {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", grpc_port_), grpc::InsecureChannelCredentials());
  }
  // With an interest in /3/0/9 of the device.
  std::unique_ptr<session::InCseEnd> OpenSession(session::v1::EventPosition from = {}) {
    session::InCseEnd::Callbacks callbacks;
    callbacks.on_event = [this](const session::v1::Event& event) {
      if (event.has_registered()) heard_.Add("registered " + event.endpoint());
      if (event.has_notification() && event.notification().nodes_size() == 1) {
        heard_.Add(absl::StrCat("value ", event.notification().nodes(0).value().raw().octets()));
      }
    };
    callbacks.on_snapshot = [this](const session::v1::Snapshot& snapshot) {
      heard_.Add(absl::StrCat("snapshot ", snapshot.registrations_size()));
    };
    callbacks.on_position = [this](const session::v1::EventPosition& position) {
      std::lock_guard<std::mutex> lock(mutex_);
      position_ = position;
    };
    callbacks.on_state = [this](bool up) { heard_.Add(up ? "up" : "down"); };
    auto end = std::make_unique<session::InCseEnd>("/id-in", std::move(from), &clock_, callbacks);
    session::v1::Interest interest;
    interest.set_endpoint("d");
    *interest.mutable_path() = lwm2m::MakePath(3, 0, 9);
    end->AddInterest(interest);
    end->Attach(session::OpenStream(Channel()), /*opened_by_us=*/true);
    return end;
  }
  void Read(session::InCseEnd& end, const std::string& endpoint, const std::string& path) {
    lwm2m::v1::Operation operation;
    *operation.mutable_read()->mutable_path() = *lwm2m::ParsePath(path);
    end.Perform(endpoint, operation, clock_.Now() + absl::Seconds(5), clock_.Now() + absl::Seconds(5), "trace-1",
                [this](lwm2m::v1::OperationResult result) {
                  heard_.Add(absl::StrCat(lwm2m::v1::Outcome_Name(result.outcome()), " ", result.coap_code()));
                });
  }

  SystemClock clock_;
  Heard heard_;
  std::mutex mutex_;
  session::v1::EventPosition position_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<grpc::Server> grpc_server_;
  int grpc_port_ = 0;
};

TEST_F(ConnectorTest, FromTheDeviceToTheInCseAndBack) {
  StartConnector("");
  auto end = OpenSession();
  ASSERT_TRUE(heard_.WaitFor("snapshot 0"));
  Device device("d", connector_->coap_port(), &clock_);
  device.Register(&heard_);
  ASSERT_TRUE(heard_.WaitFor("answer 201"));
  ASSERT_TRUE(heard_.WaitFor("registered d"));
  ASSERT_TRUE(heard_.WaitFor("value 80"));
  device.Notify("60", &heard_);
  ASSERT_TRUE(heard_.WaitFor("value 60"));
  Read(*end, "d", "/3/0/9");
  ASSERT_TRUE(heard_.WaitFor("OUTCOME_ANSWERED 205"));
  Read(*end, "d", "/3/0/1");
  ASSERT_TRUE(heard_.WaitFor("OUTCOME_ANSWERED 404"));
  Read(*end, "nobody", "/3/0/9");
  ASSERT_TRUE(heard_.WaitFor("OUTCOME_NOT_REGISTERED 0"));

  auto stub = v1::ConnectorService::NewStub(Channel());
  grpc::ClientContext context;
  v1::GetDeviceRequest request;
  request.set_endpoint("d");
  v1::GetDeviceResponse response;
  ASSERT_TRUE(stub->GetDevice(&context, request, &response).ok());
  EXPECT_EQ(response.observed_size(), 1);
  StopConnector();
  EXPECT_TRUE(heard_.WaitFor("down"));
}

TEST_F(ConnectorTest, ARestartLosesNeitherDevicesNorEvents) {
  const std::string path = sqlite::FreshPath();
  StartConnector(path);
  const uint16_t coap_port = connector_->coap_port();
  auto end = OpenSession();
  ASSERT_TRUE(heard_.WaitFor("snapshot 0"));
  Device device("d", coap_port, &clock_);
  device.Register(&heard_);
  ASSERT_TRUE(heard_.WaitFor("value 80"));
  // The IN-CSE goes, a value comes, the connector goes, and both come back.
  end->Shutdown("test");
  end.reset();
  device.Notify("61", &heard_);
  ASSERT_TRUE(heard_.WaitFor("acknowledged 61"));
  StopConnector();
  StartConnector(path, coap_port);
  device.Notify("62", &heard_);
  session::v1::EventPosition from;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    from = position_;
  }
  end = OpenSession(from);
  EXPECT_TRUE(heard_.WaitFor("value 61"));
  EXPECT_TRUE(heard_.WaitFor("value 62"));
  Read(*end, "d", "/3/0/9");
  EXPECT_TRUE(heard_.WaitFor("OUTCOME_ANSWERED 205"));
  EXPECT_FALSE([&] {
    const auto all = heard_.all();
    return std::count(all.begin(), all.end(), "snapshot 1") > 0;
  }()) << "nothing was lost, so there is no snapshot";
  end->Shutdown("test");
  end.reset();
  StopConnector();
}

// A read of a silent device is waited for at the end of the process, but not when its asker has gone.
TEST_F(ConnectorTest, TheEndWaitsForNobodyWhoHasGone) {
  StartConnector("");
  auto end = OpenSession();
  ASSERT_TRUE(heard_.WaitFor("snapshot 0"));
  Device device("d", connector_->coap_port(), &clock_);
  device.OnAskedInVain([this] { heard_.Add("asked in vain"); });
  device.Register(&heard_);
  ASSERT_TRUE(heard_.WaitFor("value 80"));
  Read(*end, "d", "/3/0/99");
  ASSERT_TRUE(heard_.WaitFor("asked in vain"));
  absl::Duration started = clock_.Monotonic();
  connector_->Drain(absl::Milliseconds(600));
  EXPECT_GE(clock_.Monotonic() - started, absl::Milliseconds(300)) << "somebody still waits";
  grpc_server_->Shutdown();
  grpc_server_->Wait();
  connector_.reset();
  end.reset();

  StartConnector("");
  end = OpenSession();
  ASSERT_TRUE(heard_.WaitFor("snapshot 0", 2));
  Device other("d", connector_->coap_port(), &clock_);
  other.OnAskedInVain([this] { heard_.Add("asked in vain"); });
  other.Register(&heard_);
  ASSERT_TRUE(heard_.WaitFor("value 80", 2));
  lwm2m::v1::Operation operation;
  *operation.mutable_read()->mutable_path() = lwm2m::MakePath(3, 0, 99);
  end->Perform("d", operation, clock_.Now() + absl::Minutes(1), clock_.Now() + absl::Minutes(1), "", [](auto) {});
  ASSERT_TRUE(heard_.WaitFor("asked in vain", 2));
  end->Shutdown("test");
  end.reset();
  started = clock_.Monotonic();
  connector_->Drain(absl::Seconds(40));
  EXPECT_LT(clock_.Monotonic() - started, absl::Seconds(10));
  grpc_server_->Shutdown();
  grpc_server_->Wait();
  connector_.reset();
}

TEST_F(ConnectorTest, APortThatIsTakenIsSaid) {
  StartConnector("");
  ConnectorOptions options;
  options.coap.host = "127.0.0.1";
  options.coap.port = connector_->coap_port();
  EXPECT_THAT(Connector::Open(options, &clock_),
              status::StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("in use")));
  StopConnector();
}

}  // namespace
}  // namespace isthmus::connector
