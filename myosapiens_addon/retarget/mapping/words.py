# SPDX-License-Identifier: GPL-3.0-or-later
"""What parts of a body are called in the names of bones, in several languages.

Words of one name are separated by a space here; names may have them in another order, run
together, or with separators. A word may be listed under several roles: where the bone lies
then decides.
"""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of names without a side.
MIDDLE: dict[str, str] = {
    "root": """root, bone root, wurzel, raiz, racine, radice, 根, センター, グルーブ, center,
        groove, reference""",
    "pelvis": """pelvis, hips, hip, lower body, 下半身, becken, hüfte, huefte, hufte, cadera,
        caderas, bassin, bacino, anche, 骨盆, 盆骨""",
    "spine": """spine, spine lower, spine upper, spine mid, spine middle, chest, chest upper,
        chest lower, abdomen, abdomen upper, abdomen lower, torso, torso upper, torso lower, waist,
        belly, back, low back, back lower, back upper, ribs, rib cage, ribcage, thorax, lumbar,
        lumbar spine, thoracic, thoracic spine, upper body, 上半身, wirbelsäule, wirbelsaeule,
        wirbelsaule, wirbel, rücken, ruecken, rucken, brust, brustkorb, rumpf, bauch, columna,
        espalda, pecho, torax, tórax, espina, vientre, colonne, colonne vertebrale, dos, poitrine,
        torse, buste, ventre, schiena, petto, torace, colonna, colonna vertebrale, busto, spina,
        脊椎, 脊柱, 脊, 胸, 胸部, 胸椎, 腰椎, 胸腔""",
    "neck": """neck, neck lower, neck upper, neck twist, cervical, cervical spine, hals, nacken,
        cuello, cou, nuque, collo, 首, 頸, 颈, 颈部, 脖子, 颈椎""",
    "head": "head, skull, kopf, schädel, cabeza, tete, tête, testa, 頭, 头, 头部, あたま",
}
# Words of names with a side.
SIDED: dict[str, str] = {
    "clavicle": """clavicle, clav, collar, collar bone, scapula clavicle, shoulder, schlüsselbein,
        schluesselbein, schlusselbein, schulter, clavicula, clavícula, hombro, clavicule, epaule,
        épaule, clavicola, spalla, 肩, 鎖骨, 锁骨, 肩膀""",
    "upper_arm": """upper arm, up arm, arm, shoulder, shldr, shldr bend, humerus, oberarm, arm
        stretch, brazo, brazo superior, bras, haut bras, braccio, braccio superiore, 腕, 上腕, 上臂,
        大臂""",
    "forearm": """fore arm, lower arm, low arm, lo arm, elbow, ulna, fore arm bend, fore arm
        stretch, arm, unterarm, ellbogen, ellenbogen, antebrazo, codo, avant bras, coude,
        avambraccio, gomito, ひじ, 肘, 前腕, 前臂, 小臂""",
    "hand": """hand, wrist, lunate, handgelenk, mano, muñeca, muneca, main, poignet, polso, 手首,
        手, 手腕, 手掌""",
    "thigh": """thigh, upper leg, up leg, thigh bend, thigh stretch, femur, hip, leg, upper thigh,
        oberschenkel, hüfte, huefte, hufte, bein, muslo, cadera, pierna, pierna superior, cuisse,
        hanche, jambe, coscia, anca, gamba, 足, もも, 太もも, 大腿, 腿""",
    "shin": """shin, calf, lower leg, low leg, lo leg, knee, tibia, leg, leg stretch, shin bend,
        calf bend, unterschenkel, knie, wade, schienbein, pantorrilla, rodilla, pierna inferior,
        espinilla, mollet, genou, polpaccio, ginocchio, stinco, ひざ, 膝, すね, 小腿, 膝盖""",
    "foot": """foot, ankle, talus, fuß, fuss, knöchel, knoechel, pie, tobillo, pied, cheville,
        piede, caviglia, 足首, 脚, 脚踝, 足部""",
    "toe": """toe, toes, toe base, ball, foot, zeh, zehe, zehen, fußballen, ballen, dedos pie, dedo
        pie, punta pie, orteil, orteils, dita piede, dita, punta piede, つま先, 爪先, 足先ex,
        leg tip ex, 脚趾, 脚尖""",
    "thumb": """thumb, thumb finger, finger thumb, hand thumb, daumen, pulgar, pouce, pollice, 親指,
        拇指, 大拇指""",
    "index": """index, index finger, hand index, f index, fore finger, point finger, pointer,
        zeigefinger, indice, índice, 人指, 人差指, 人差し指, 食指""",
    "middle": """middle, mid, middle finger, hand middle, f middle, mid finger, mittelfinger, medio,
        corazon, majeur, 中指""",
    "ring": """ring, ring finger, hand ring, f ring, ringfinger, anular, anulare, annulaire, 薬指,
        无名指""",
    "little": """little, little finger, hand little, f little, pinky, pinkie, pinky finger, hand
        pinky, f pinky, pink, small finger, kleinerfinger, kleiner finger, meñique, menique,
        auriculaire, mignolo, 小指""",
}
LEFT = _set(
    """l left lft lf links linke linker izq izquierda izquierdo gauche g sx sinistra sinistro"""
)
RIGHT = _set(
    """r right rgt rt rechts rechte rechter der derecha derecho droite droit d dx destra destro"""
)
# What rigs put before or behind names, and what says nothing of the part of the body.
NOISE = _set(
    """mixamorig mixamo cc base j bip bipped biped valve valvebiped jnt joint bone bn b def bind
    skin sk skel c x fk ctrl con control grp rl anim char character the m f avg"""
)
# A bone with one of these is none of the body: it helps another, or belongs to something else.
HELPERS = _set(
    """ik pole polevector target tgt end nub site tip leaf tweak parent mch org vis wgt share
    corrective correctiveroot helper help aux dummy attach socket prop weapon gun sword shield
    eye eyes eyelid ear jaw tongue teeth brow eyebrow eyebrows lid lip cheek nose hair bang
    beard breast bust boob pectoral skirt cape cloth coat dress tail ponytail wing sec adj
    footsteps camera hat helmet sway sub physics jiggle switch spin heel swing scale fix
    offset null ref snap pivot socketend handle grip master face facial follow hold space dyn
    collider 目 髪 捩ik"""
)
TWISTS = _set("""twist roll twister 捩 捻 torsion drehung""")
METACARPALS = _set("""metacarpal meta carpal palm metacarpus""")
# With one of these, a name that is not known is of a hand or foot, but neither of the two.
PARTS = _set(
    "finger fingers thumb index pinky palm metacarpal carpal toe toes metatarsal metatarsals"
)
# Words of the bones along a finger, which say nothing of the finger.
SEGMENTS = _set("proximal intermediate distal metacarpal")
