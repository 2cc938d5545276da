#include "services/lib/onem2m/xml/attribute_types.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::onem2m {
namespace {

struct Names {
  AttributeKind kind;
  ListForm list;
  // Short names; `container/name` where one name is two things.
  absl::string_view names;
};

// Short names are unique but for a few, whatever resource or parameter they stand in.
constexpr Names kNames[] = {
    {AttributeKind::kText, ListForm::kNone,
     // Primitives.
     "to fr rqi rvi ot rqet rset oet rp rtu gid vsi ma "
     // Every resource, <mgmtObj>, <AE>, <CSEBase>, <node>, <subscription> and notifications.
     "rn ri pi ct lt et cr cstn dc mgs apn api aei or nl mei csi ctm ni hcl mgca nid su sur gpi nfu ntt tid1 tid2 "
     // Specialisations of <mgmtObj>.
     "vr fwn url swn acn ant dvd dvt awi ss dlb man mod dty fwv swv hwv mfdl mfd smod dvnm osv cnty loc syst spur purl "
     "can lgd cpn acmlk cntp mcff mcfc ssid unm pwd wepk wpap maca pur crid crse crtk imsi icid spn ripa apna ip4 ip6 "
     // Filter criteria, access control, other resources.
     "crb cra ms us exb exa arp lbq cfq spty nm dur tws tww conr cnf cnd gn aid ext exf exy uuid ftyp tgf surl stt cpt "
     "eer org rid tg cb ajop dcid dgt dal dsp dtw eve evi evs lbq li lnk lon lor lost lot ls lti lou mad mbft mgft "
     "mjid "
     "muri npi oip out inp plbl ppl prg rlid rlnm rltl rqv rstt rstw rtm sci sdr soe soi sr tct tept text tia tiae tid "
     "tkex tkhd tkid tkis tkna tknb tknm tkob tltm tmgi tod trf trid tvt egid spid uri dbg cmlk/val ch/val rrf/val"},
    {AttributeKind::kNumber, ListForm::kNone,
     "op ty rcn drt rtv ec rsc cnst cnot pri "
     "mgd ast tri trn cst nty nct nec exc nsp psn pn net num mnn sts stb sza szb fo fu lim lvl ofst ops cfs gmty gsf "
     "acop "
     "sus mma mmt sli sld btl bts lgt lgst od dev dqet dset doet drp mrv swt ibt abt mbt rbt nwa mbfs sgp meil enct "
     "chanl cons sist sity cnb rss liqu ceid smnc smcc lac coel typ "
     "ca cbs cni cnm mni mbs mia cs st mt csy mnm cmt exm exn exs exr fsi dss rs evt opt lit los luec mtcc ncp "
     "dcrp dec dir drr ds dsi esk gec mdc mdn mdt mst mvl nic non ontf pei peid rgt rrs rrt sit sm snr srs sst sti "
     "tctl "
     "tio tirt tltp tmd tmh tmr tpe trst trt tsg tst twt vpn"},
    {AttributeKind::kBoolean, ListForm::kNone,
     "da tqi asi aus asri sqi auri "
     "rr tren trps rms ln nse vrq sud ud in un act dea att cus ena dis rbo far lga lgo rctn dda scan trdst rdst acaf "
     "exe exd mtv disr dae aerid aerp mdd nco nrq rlkl ssi svd tcop tra trr vlde"},
    {AttributeKind::kObject, ListForm::kNone,
     "pc rqp rsp fc rt mi ors rep sgn nev idr enc bn rl uds ins acts cas wcrds bop exra pv pvs acip aclr se md ggi olo "
     "esi scp rce rrl agn agr exra/rbo exra/rst exra/dld exra/uld exra/swin exra/swup exra/swun"},
    {AttributeKind::kReference, ListForm::kRepeated, "ch rrf cmlk"},
    {AttributeKind::kText, ListForm::kTokens,
     "rt/nu nu lbl clbl palb acpi daci at aa poa srv csz hael hsl obis obps ldv lnh ptl acor aca enc/atr acrs grtm "
     "rids "
     "tkns tids ltids ror ttn uril atrl mid macp ail aae aai adri airi apci apri ari cdi dap dcse di eris escert ipv4 "
     "ipv6 accc mdlt miid mli mrf ntu orid rels rfa ris rlk rrat rrats srat tcin tipa tist tkau scanr"},
    {AttributeKind::kNumber, ListForm::kTokens,
     "srt chty fc/ty chty pty aec aecs lec lqet lset loet lrp suids erts esks espa regs"},
    {AttributeKind::kBoolean, ListForm::kTokens, "lda"},
    {AttributeKind::kNumber, ListForm::kRepeated, "enc/net"},
    {AttributeKind::kText, ListForm::kRepeated, "sce cty smf"},
    {AttributeKind::kObject, ListForm::kRepeated,
     "acr acod acco om atr catr patr bops any rpsc mesc ipad nsi lr dle encn pm sdc agn/sgn"},
};

using Table = absl::flat_hash_map<std::string, AttributeType>;

const Table& NameTable() {
  static const Table* const table = [] {
    auto* made = new Table;
    for (const Names& group : kNames) {
      for (const absl::string_view name : absl::StrSplit(group.names, ' ', absl::SkipEmpty())) {
        made->emplace(name, AttributeType{group.kind, group.list});
      }
    }
    return made;
  }();
  return *table;
}

}  // namespace

AttributeType TypeOf(absl::string_view container, absl::string_view name, bool global_container) {
  const size_t colon = name.find(':');
  const bool global = colon != absl::string_view::npos;
  const absl::string_view local = global ? name.substr(colon + 1) : name;
  if (global) {
    // What `pc` may hold instead of a resource.
    for (const absl::string_view simple : {"uri", "dbg", "uril", "atrl"}) {
      if (local == simple) return NameTable().at(local);
    }
    const bool children = global_container && container != "rce";
    return {AttributeKind::kObject, children ? ListForm::kRepeated : ListForm::kNone};
  }
  auto found = NameTable().find(absl::StrCat(container, "/", local));
  if (found == NameTable().end()) found = NameTable().find(local);
  return found == NameTable().end() ? AttributeType() : found->second;
}

}  // namespace isthmus::onem2m
